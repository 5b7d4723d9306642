# What the tests of the control socket share: clients of it, well-behaved and not.
package ControlTest;

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time usleep);
use Until;

our @EXPORT = qw(control_path control_connect control_send control_read control_ask control_table
  control_row until_true);

sub control_path
{
	my ($node) = @_;
	return $node->host . '/.s.pgleash.' . $node->port;
}

# A connection, or undef.  It never blocks when it writes.
sub control_connect
{
	my ($node) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => control_path($node));
	if ($socket)
	{
		binmode $socket;
		$socket->blocking(0);
	}
	return $socket;
}

# Writes as much as is taken; how much that was, undef when the other end has closed.
sub control_send
{
	my ($socket, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $written = syswrite $socket, $bytes;
	return $written if defined $written;
	return $!{EAGAIN} ? 0 : undef;
}

# All that comes until the other end closes.
sub control_read
{
	my ($socket) = @_;
	my $answer = '';
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $until)
	{
		next unless IO::Select->new($socket)->can_read(1);
		my $read = sysread $socket, $answer, 65536, length $answer;
		return $answer if !$read;
	}
	die 'the worker did not close the connection';
}

# The answer to one request; tries again while the worker is being restarted.
sub control_ask
{
	my ($node, $request) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $until)
	{
		my $socket = control_connect($node);
		if ($socket && defined control_send($socket, "pgleash 1 $request\n"))
		{
			my $answer = control_read($socket);
			return JSON::PP->new->utf8->decode($answer) if $answer ne '';
		}
		usleep 20_000;
	}
	die 'the worker does not answer';
}

# The rows as hashes.
sub control_table
{
	my ($node, $request) = @_;
	my $answer = control_ask($node, $request);
	die "refused: $answer->{error}" if $answer->{error};
	my @rows;
	for my $values (@{ $answer->{rows} })
	{
		my %row;
		@row{ @{ $answer->{columns} } } = @$values;
		push @rows, \%row;
	}
	return \@rows;
}

# The row of a session.
sub control_row
{
	my ($node, $request, $client) = @_;
	my ($row) = grep { $_->{pid} == $client->{pid} } @{ control_table($node, $request) };
	return $row;
}

1;
