# A network of two hosts, in namespaces that the test's own user may make: the server
# lives in this process's, and peers in one of their own, at the end of a cable that can
# be unplugged.
package NetworkNamespace;

use strict;
use warnings;

use IO::Socket::UNIX;
use PostgreSQL::Test::Utils;
use Socket;

our $server_address = '10.213.0.1';
our $peer_address = '10.213.0.2';
our $network = '10.213.0.0/24';

my @inside = qw(unshare --user --net --map-current-user --keep-caps --);

# What stands in the way of a network of our own; nothing when we are in one.  Starts
# the test again in one, if there can be one: to be called before anything else.
sub enter
{
	return '' if $ENV{LEASH_NETWORK};
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	for my $command ([ 'unshare', '--version' ], [ 'nsenter', '--version' ], [ 'ip', '-V' ])
	{
		return "there is no command \"$command->[0]\"" unless _runs(@$command);
	}
	return 'this user may not make network namespaces' unless _runs(@inside, 'ip', 'link', 'set', 'lo', 'up');
	$ENV{LEASH_NETWORK} = 1;
	exec @inside, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', $^X, map({ "-I$_" } @INC), $0, @ARGV
	  or die "cannot run unshare: $!";
}

sub _runs
{
	my (@command) = @_;
	my $pid = fork // die "cannot fork: $!";
	if (!$pid)
	{
		open STDOUT, '>', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		exec @command or kill 'KILL', $$;
	}
	waitpid $pid, 0;
	return $? == 0;
}

sub _run
{
	my (@command) = @_;
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	system(@command) == 0 or die "failed: @command";
	return;
}

# Runs over there: waits for a line, connects, and passes bytes between standard input
# and the server.
my $relay = <<'RELAY';
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
open my $here, '+<&', 0 or die;
sysread $here, my $go, 1 or exit;
my $there = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1]) or exit 1;
my $either = IO::Select->new($here, $there);
while (my @ready = $either->can_read)
{
	for my $from (@ready)
	{
		my $to = $from == $here ? $there : $here;
		sysread $from, my $bytes, 65536 or exit;
		while (length $bytes)
		{
			my $sent = syswrite $to, $bytes or exit;
			substr($bytes, 0, $sent) = '';
		}
	}
}
RELAY

# A host with a cable to this one.
sub new
{
	my ($class) = @_;
	socketpair my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!";
	my $self = bless { far => $far, socket => IO::Socket::UNIX->new_from_fd(fileno $near, 'r+'), near => $near }, $class;
	return $self;
}

# A connection from there to a port here, as a socket of this process.
sub connect
{
	my ($self, $port) = @_;
	$self->_start($^X, '-e', $relay, $server_address, $port);
	syswrite $self->{socket}, '!';
	return $self->{socket};
}

# What is to stand before a command so that it runs over there.
sub around
{
	my ($self) = @_;
	$self->_start('cat') unless $self->{pid};  # until its standard input ends, with us
	return [ 'nsenter', "--net=/proc/$self->{pid}/ns/net", '--' ];
}

# The other host is where a process runs; puts the cable in.
sub _start
{
	my ($self, @command) = @_;
	my $pid = fork // die "cannot fork: $!";
	if (!$pid)
	{
		close $self->{socket};
		close $self->{near};
		open STDIN, '<&', $self->{far} or kill 'KILL', $$;
		exec 'unshare', '--net', '--', @command or kill 'KILL', $$;
	}
	$self->{pid} = $pid;
	close $self->{far};
	my $own = readlink '/proc/self/ns/net';
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while ((readlink("/proc/$pid/ns/net") // $own) eq $own)
	{
		die 'the other host did not start' if time > $until;
		select undef, undef, undef, 0.005;
	}
	my @there = ('nsenter', "--net=/proc/$pid/ns/net", 'ip');
	_run(qw(ip link add leash0 type veth peer name leash1 netns), $pid);
	_run('ip', 'address', 'add', "$server_address/24", 'dev', 'leash0');
	_run(qw(ip link set leash0 up));
	_run(@there, 'address', 'add', "$peer_address/24", 'dev', 'leash1');
	_run(@there, qw(link set leash1 up));
	return;
}

# From here on no packet gets through, in either direction, and nobody is told.
sub unplug
{
	my ($self) = @_;
	_run('nsenter', "--net=/proc/$self->{pid}/ns/net", qw(ip link set leash1 down));
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local $?;
	if ($self->{pid})
	{
		kill 'KILL', $self->{pid};
		waitpid $self->{pid}, 0;
	}
	return;
}

1;
