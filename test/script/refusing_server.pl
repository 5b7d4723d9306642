# Answers every connection as a full PostgreSQL server does, or has a real one answer.
#   refusing_server.pl ADDRESS [SOCKET]
# ADDRESS is the path of a Unix socket or host:port; SOCKET that of the real server.
use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;

my ($address, $real) = @ARGV;
my $listener =
  $address =~ m{^/}
  ? IO::Socket::UNIX->new(Local => $address, Listen => 5)
  : IO::Socket::INET->new(LocalAddr => $address, Listen => 5, ReuseAddr => 1);
die "cannot listen at $address: $!" unless $listener;

my $fields = "SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0Fproc.c\0L355\0RInitProcess\0\0";
my $refusal = 'E' . pack('N', length($fields) + 4) . $fields;

while (my $client = $listener->accept)
{
	my $startup;
	next unless sysread $client, $startup, 8192;
	# A request for encryption comes first, over TCP.
	while (length $startup == 8)
	{
		syswrite $client, 'N';
		last unless sysread $client, $startup, 8192;
	}
	my $answer = $refusal;
	if ($real)
	{
		my $server = IO::Socket::UNIX->new(Peer => $real) or next;
		syswrite $server, $startup;
		$answer = '';
		1 while sysread $server, $answer, 8192, length $answer;
	}
	syswrite $client, $answer;
	close $client;
}
