# pgleash serve and clients that mean no good, or are just slow: others are served none the
# less, and it goes on.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use ServeTest;
use Test::More;
use Time::HiRes qw(usleep);

my $server = LeashTest->start('serve_clients', conf => [ "pg_leash.check_interval = '100ms'" ]);
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';
local $SIG{PIPE} = 'IGNORE';

# Slow ones have to go at once, or never.
my $strict = ServeTest->start('--client-timeout', '0.3');
my $patient = ServeTest->start('--client-timeout', '3600');

sub memory
{
	my ($serve) = @_;
	my ($kilobytes) = slurp_file("/proc/$serve->{pid}/status") =~ /^VmRSS:\s+(\d+)/m;
	return $kilobytes;
}

sub open_sockets
{
	my ($serve) = @_;
	return scalar grep { (readlink $_ // '') =~ /^socket:/ } glob "/proc/$serve->{pid}/fd/*";
}

subtest 'slow clients' => sub {
	my $silent = $strict->connect_to;
	my $slow = $strict->connect_to;
	syswrite $slow, 'G';
	is($strict->metric('up'), 1, 'others are served');
	is(read_all($silent), '', 'who says nothing is shut out');
	is(ServeTest::parse(read_all($slow))->{status}, 408, 'who begins and does not end is told');

	# A byte now and then does not buy time.
	my $dripping = $strict->connect_to;
	my $sent = 0;
	for (1 .. 2000)
	{
		last unless defined syswrite $dripping, 'x';
		$sent++;
		usleep 5_000;
	}
	cmp_ok($sent, '<', 2000, 'nor does a byte now and then buy time');

	# Who reads nothing is not waited for, and the others are served.
	my @deaf = map { my $socket = $strict->connect_to; syswrite $socket, "GET /metrics HTTP/1.1\r\n\r\n"; $socket } 1 .. 20;
	is($strict->metric('up'), 1, 'who does not read holds up nobody');
	close $_ for @deaf;
};

subtest 'too many clients' => sub {
	my @silent = map { $patient->connect_to } 1 .. 600;
	is($patient->metric('up'), 1, 'six hundred silent ones, and others are served');
	cmp_ok(open_sockets($patient), '<=', 262, 'so many are kept, and no more');
	syswrite $silent[-1], "GET /metrics HTTP/1.1\r\n\r\n";
	is(ServeTest::parse(read_all($silent[-1]))->{status}, 200, 'the newest is one of them');
	is(read_all($silent[0]) // '', '', 'the oldest is not');
	close $_ for @silent;
	ok(until_true(sub { open_sockets($patient) < 20 }), 'who leaves is forgotten');
	my @hasty = map { my $socket = $patient->connect_to; syswrite $socket, "GET /metrics HTTP/1.1\r\n\r\n"; $socket } 1 .. 100;
	close $_ for @hasty;
	is($patient->metric('up'), 1, 'nor do those matter who ask and do not wait');
	ok(until_true(sub { open_sockets($patient) < 20 }), '... and are forgotten, too');
};

subtest 'too much' => sub {
	my $before = memory($patient);
	for my $head ('A' x (1 << 22), "GET /metrics HTTP/1.1\r\nX: " . 'x' x (1 << 22), 
		"GET /metrics HTTP/1.1\r\n" . "X: y\r\n" x (1 << 19), "GET /" . 'x' x (1 << 22) . " HTTP/1.1\r\n\r\n")
	{
		my $socket = $patient->connect_to;
		$socket->blocking(0);
		# As much as is taken, as fast as it is.
		my ($at, $refused) = (0, 0);
		ok(until_true(sub {
					my $written = syswrite $socket, $head, 1 << 16, $at;
					$at += $written if $written;
					return $at >= length $head || (!defined $written && !$!{EAGAIN}) || IO::Select->new($socket)->can_read(0);
				}), 'megabytes');
		$socket->blocking(1);
		like(read_all($socket) // 'broken off', qr{\AHTTP/1\.1 431 |\Abroken off\z}, '... are refused');
	}
	cmp_ok(memory($patient) - $before, '<', 8192, '... and not kept');
	is($patient->metric('up'), 1, 'others are served');
};

subtest 'garbage' => sub {
	my @garbage = (
		join('', map { chr } 0 .. 255) x 4 . "\r\n\r\n", "\0" x 100 . "\r\n\r\n", "\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n",
		"GET /metrics HTTP/9.9\r\n\r\n", "get /metrics HTTP/1.1\r\n\r\n", "GET /metrics HTTP/1.1 x\r\n\r\n",
		"GET /met\0rics HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "GET /%s%n%x HTTP/1.1\r\n\r\n", "GET http:// HTTP/1.1\r\n\r\n");
	for my $text (@garbage)
	{
		my $answer = $patient->request($text);
		like($answer->{status}, qr/^40[045]$/, 'garbage is refused: ' . substr $text =~ s/[^ -~]/./gr, 0, 30);
	}
	srand 20261124;
	for (1 .. 200)
	{
		my $text = join '', map { chr int rand 256 } 1 .. rand 300;
		my $socket = $patient->connect_to;
		syswrite $socket, "$text\r\n\r\n";
		read_all($socket);
	}
	# Headers do not matter: a range of one would multiply the answer.
	my $answer = $patient->request("GET /metrics HTTP/1.1\r\nRange: bytes=" . join(',', ('0-') x 1000)
		  . "\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nContent-Length: -1\r\nConnection: keep-alive\r\n\r\n");
	is($answer->{status}, 200, 'headers are passed over');
	is($answer->{header}{'content-length'}, length $answer->{body}, '... the answer is whole');
	is($answer->{header}{connection}, 'close', '... and the last of its connection');
	is($patient->request("GET /metrics HTTP/1.0\n\n")->{status}, 200, 'lines may end in a newline alone');
	is($patient->metric('up'), 1, 'others are served');
};

for my $serve ($strict, $patient)
{
	is(() = $serve->log =~ /\n/g, 1, 'nothing of all that was worth a line') or diag $serve->log;
	is($serve->finish('TERM'), 0, 'and it ends in order');
}

$node->stop;
done_testing();
