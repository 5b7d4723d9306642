# pgleash serve as a process of its own, and clients of it, well-behaved and not.
package ServeTest;

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::IP;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time);
use Until;

our @EXPORT = qw(until_true connect_to read_all);

delete $ENV{PGAPPNAME};

# ServeTest->start(ARGUMENT...): at a free port, once it says where.
sub start
{
	my ($class, @arguments) = @_;
	my $self = $class->try('--listen', '127.0.0.1:0', @arguments);
	$self->{address} = $self->says(qr{serving http://(\S+)/metrics and });
	return $self;
}

# The same with nothing added, whatever comes of it.
sub try
{
	my ($class, @arguments) = @_;
	pipe my $out, my $in or die "pipe: $!";
	my $pid = fork // die "cannot fork: $!";
	if (!$pid)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>&', $in;
		open STDERR, '>&', $in;
		{ exec $pgleash, 'serve', @arguments };
		kill 'KILL', $$;
	}
	return bless { pid => $pid, out => $out, log => '' }, $class;
}

# How much more it has said; 0 at the end, undef when there is nothing yet.
sub _read_log
{
	my ($self, $seconds) = @_;
	return undef unless IO::Select->new($self->{out})->can_read($seconds);
	return sysread $self->{out}, $self->{log}, 65536, length $self->{log};
}

# All that it has said.
sub log
{
	my ($self) = @_;
	1 while $self->_read_log(0);
	return $self->{log};
}

# Waits until it has said something; returns what the pattern captured.
sub says
{
	my ($self, $pattern) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (1)
	{
		my @found = $self->{log} =~ $pattern;
		return wantarray ? @found : $found[0] if @found;
		die "pgleash serve did not say $pattern; it said: $self->{log}" if time > $until;
		die "pgleash serve ended; it said: $self->{log}" if ($self->_read_log(1) // 1) == 0;
	}
}

# Its exit status, once it has ended by itself or by a signal.
sub finish
{
	my ($self, $signal) = @_;
	kill $signal, $self->{pid} if $signal;
	1 while $self->_read_log($PostgreSQL::Test::Utils::timeout_default);
	waitpid delete $self->{pid}, 0;
	return $? & 127 ? "signal $?" : $? >> 8;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	if (my $pid = $self->{pid})
	{
		kill 'KILL', $pid;
		waitpid $pid, 0;
	}
	return;
}

# ---- clients ----------------------------------------------------------------------

sub connect_to
{
	my ($self) = @_;
	my ($host, $port) = $self->{address} =~ /^\[?(.*?)\]?:(\d+)$/;
	my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Proto => 'tcp') or die "cannot connect to $self->{address}: $@";
	binmode $socket;
	return $socket;
}

# All that comes until the other end closes; undef when it broke the connection.
sub read_all
{
	my ($socket) = @_;
	my $answer = '';
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $until)
	{
		next unless IO::Select->new($socket)->can_read(1);
		my $read = sysread $socket, $answer, 65536, length $answer;
		return undef if !defined $read;
		return $answer if !$read;
	}
	die 'pgleash serve did not close the connection';
}

# The parts of an HTTP response.
sub parse
{
	my ($text) = @_;
	my ($head, $body) = split /\r\n\r\n/, $text // '', 2;
	my ($first, @lines) = split /\r\n/, $head // '';
	my %header = map { my ($name, $value) = split /: /, $_, 2; lc $name => $value } @lines;
	my ($status) = ($first // '') =~ m{^HTTP/1\.1 (\d+) };
	return { status => $status // "no HTTP: " . ($text // 'broken'), header => \%header, body => $body // '' };
}

sub request
{
	my ($self, $text) = @_;
	my $socket = $self->connect_to;
	syswrite $socket, $text;
	return parse(read_all($socket));
}

sub get
{
	my ($self, $path, $method) = @_;
	$method //= 'GET';
	return $self->request("$method $path HTTP/1.1\r\nHost: $self->{address}\r\nUser-Agent: test\r\n\r\n");
}

# The value of a metric without labels.
sub metric
{
	my ($self, $name) = @_;
	my $answer = $self->get('/metrics');
	return "status $answer->{status}" if $answer->{status} ne '200';
	my ($value) = $answer->{body} =~ /^pg_leash_$name (\S+)$/m;
	return $value;
}

sub until_metric
{
	my ($self, $name, $expected) = @_;
	my $got;
	until_true(sub { $got = $self->metric($name) // 'none'; $got eq $expected });
	return $got;
}

1;
