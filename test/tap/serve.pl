# pgleash serve: what it answers, where it listens, how it begins and ends.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IO::Socket::IP;
use IO::Socket::UNIX;
use JSON::PP ();
use LeashTest;
use MetricsTest;
use PgleashTest;
use PostgreSQL::Test::Utils;
use ServeTest;
use Socket qw(SOCK_DGRAM);
use Test::More;

my $server = LeashTest->start('serve', conf => [ "pg_leash.check_interval = '100ms'" ]);
my $node = $server->node;
my $admin = $server->{admin};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';

my $serve = ServeTest->start;
my $kept = q(SELECT string_agg(pid::text, ',') FROM leash.sessions WHERE application_name = 'pgleash');

##### The two pages

my $answer = $serve->get('/metrics');
is($answer->{status}, 200, 'metrics');
is($answer->{header}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', '... in the format of Prometheus');
my $metrics = read_metrics($answer->{body});
is(metric($metrics, 'up'), 1, '... of a server that is up');
ok(metric($metrics, 'connections_used') >= 2, '... and in use');
promtool_ok($answer->{body}, 'what is served');
my $pid = $server->value($kept);
like($pid, qr/^\d+$/, 'by one connection');

my $head = $serve->get('/metrics', 'HEAD');
is($head->{status}, 200, 'HEAD');
is($head->{header}{'content-type'}, $answer->{header}{'content-type'}, '... has the headers');
ok($head->{header}{'content-length'} > 1000, '... of what GET would have');
is($head->{body}, '', '... and no body');

my ($status, $stdout) = pgleash('health', '--json');
$answer = $serve->get('/healthz');
is($answer->{status}, 200, 'health');
is($answer->{header}{'content-type'}, 'application/json', '... in JSON');
my $health = JSON::PP->new->utf8->decode($answer->{body});
my $tool = JSON::PP->new->utf8->decode($stdout);
is($health->{status}, 'ok', '... of a server that is well');
is_deeply([ sort keys %$health ], [ sort keys %$tool ], '... with the keys of pgleash health');
is_deeply([ sort map { $_->{check} } @{ $health->{checks} } ], [ sort map { $_->{check} } @{ $tool->{checks} } ], '... and its checks');

is($serve->get('/metrics?a=b')->{status}, 200, 'a query string is passed over');
for my $path ('/', '/metric', '/metrics/', '/healthz/x', '/../etc/passwd', '/%2e%2e/', '/metrics%00')
{
	is($serve->get($path)->{status}, 404, "no page: $path");
}
for my $method (qw(POST PUT DELETE PATCH OPTIONS))
{
	$answer = $serve->get('/metrics', $method);
	is($answer->{status}, 405, "$method is refused");
	is($answer->{header}{allow}, 'GET, HEAD', '... with what is not');
}
$answer = $serve->request("POST /metrics HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" . 'x' x 100_000);
is($answer->{status}, 405, 'a body is not waited for');

##### A warning is still 200, and limits are those of the configuration

my $file = PostgreSQL::Test::Utils::tempdir() . '/config.toml';
sub configured
{
	my ($text, @arguments) = @_;
	open my $config, '>', $file or die $!;
	print $config $text;
	close $config;
	local $ENV{PGLEASH_CONFIG} = $file;
	return ServeTest->try(@arguments);
}

for my $case ([ 'warning', 200 ], [ 'critical', 503 ])
{
	my ($level, $expected) = @$case;
	my $limited = configured("[serve]\nlisten = '127.0.0.1:0'\n[health.$level]\nconnections = 0.001\n");
	$limited->{address} = $limited->says(qr{http://(\S+)/metrics});
	$answer = $limited->get('/healthz');
	is($answer->{status}, $expected, "$level: status");
	is(JSON::PP->new->utf8->decode($answer->{body})->{status}, $level, '... and document');
	is($limited->finish('TERM'), 0, '... it ends');
}

##### One connection, which only reads

is($server->until($kept, $pid), $pid, 'the connection is kept');
$admin->query('CREATE TABLE written (x text)');
$admin->query('ALTER FUNCTION leash.health() RENAME TO real_health');
$admin->query(q{CREATE FUNCTION leash.health() RETURNS TABLE ("check" text, status text, value float8, warning float8, critical float8, message text)
	LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.written VALUES ('x'); RETURN QUERY SELECT * FROM leash.real_health(); END $$});
until_true(sub { ($answer = $serve->get('/healthz'))->{body} =~ /read-only/ });
is($answer->{status}, 503, 'what would write');
like($answer->{body}, qr/cannot execute INSERT in a read-only transaction/, '... cannot');
$admin->query('DROP FUNCTION leash.health()');
$admin->query('ALTER FUNCTION leash.real_health() RENAME TO health');
ok(until_true(sub { $serve->get('/healthz')->{status} eq '200' }), '... which is over');
is($server->until($kept, $pid), $pid, 'an error is no reason for another connection');

##### Many at once

my $count = "SELECT statements FROM leash.sessions WHERE pid = $pid";
my $before = $server->value($count);
ok(until_true(sub { $serve->get('/metrics'); $server->value($count) > $before }), 'a scrape');
my $each = $server->value($count) - $before;
$before = $server->value($count);
my @clients = map { $serve->connect_to } 1 .. 100;
syswrite $_, "GET /metrics HTTP/1.1\r\n\r\n" for @clients;
my @answers = map { ServeTest::parse(read_all($_)) } @clients;
is((grep { $_->{status} eq '200' && $_->{body} =~ /^pg_leash_up 1$/m } @answers), 100, 'a hundred clients are answered');
my $asked = $server->value($count) - $before;
cmp_ok($asked, '<', 20 * $each, "... by few questions to the server ($asked statements, $each a scrape)");

##### Beginning and end

is($serve->finish('TERM'), 0, 'SIGTERM ends it in order');
my ($port) = $serve->{address} =~ /:(\d+)$/;
is($server->until($kept, ''), '', '... with its connection');
is(() = $serve->log =~ /\n/g, 3, '... and said where it is, that it was lost, that it is back') or diag $serve->log;

for my $path (PostgreSQL::Test::Utils::tempdir() . '/notify', '@pgleash-test-' . $$)
{
	my $manager = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path =~ s/^@/\0/r) or die $!;
	my $told = sub {
		my $until = time + $PostgreSQL::Test::Utils::timeout_default;
		while (time < $until && IO::Select->new($manager)->can_read(1)) 
		{
			$manager->recv(my $message, 4096);
			return $message if $message !~ /^STATUS=/;
		}
		return 'nothing';
	};
	local $ENV{NOTIFY_SOCKET} = $path;
	my $notifying = ServeTest->start;
	is($told->(), 'READY=1', "the service manager at $path is told");
	is($notifying->finish('INT'), 0, 'SIGINT ends it in order');
	is($told->(), 'STOPPING=1', '... which is told, too');
}
{
	local $ENV{NOTIFY_SOCKET} = '/nonexistent/notify';
	is(ServeTest->start->finish('TERM'), 0, 'a service manager that is not there is no reason to fail');
}

##### Where to listen

sub fails
{
	my ($expected, $message, $name, @arguments) = @_;
	my $failing = ServeTest->try(@arguments);
	is($failing->finish, $expected, "$name: exit status");
	like($failing->log, qr/\Apgleash: error: [^\n]*$message[^\n]*\n\z/, '... and one line');
	return;
}

my $busy = IO::Socket::IP->new(Listen => 1, LocalHost => '127.0.0.1', Proto => 'tcp') or die $!;
my $taken = $busy->sockport;
fails(1, qr/cannot listen at 127\.0\.0\.1:$taken: Address already in use; .*choose another one with --listen/, 'a port in use',
	'--listen', "127.0.0.1:$taken");
my $first = ServeTest->start;
fails(1, qr/Address already in use; .*maybe a second pgleash serve/, 'a second one', '--listen', $first->{address});
is($first->finish('TERM'), 0, 'which does not harm the first');
my $again = ServeTest->try('--listen', $serve->{address});
like($again->says(qr{serving http://(\S+)/metrics}), qr/:$port$/, 'a port that was left is free at once');
is($again->finish('TERM'), 0, '... for the next one');
fails(1, qr/cannot listen at 192\.0\.2\.1:0: Cannot assign requested address; this machine has no such address/,
	'an address of others', '--listen', '192.0.2.1:0');
fails(1, qr/cannot listen at nonexistent\.invalid:0: .*write an address of this machine/, 'no address', '--listen', 'nonexistent.invalid:0');
for my $wrong ('19187', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '127.0.0.1:http', '::1:19187', ':19187', '[127.0.0.1]:1')
{
	fails(2, qr/invalid address "\Q$wrong\E" for --listen; write ADDRESS:PORT, such as 127\.0\.0\.1:19187 or \[::1\]:19187/, "\"$wrong\"", '--listen', $wrong);
}
fails(2, qr/serve cannot ask for a password; keep it in/, 'a password', '-W');
my $failing = configured("[serve]\nlisten = 'here'\n");
is($failing->finish, 1, 'a wrong address in the file');
like($failing->log, qr/\Apgleash: error: \Q$file\E:2:10: listen: write ADDRESS:PORT, such as [^\n]*\n\z/, '... is found where it stands');
$failing = configured("[serve]\nlisten = '127.0.0.1:0'\ntimeuot = '1s'\n");
is($failing->finish, 1, 'a wrong key in the file');
like($failing->log, qr/\Apgleash: error: \Q$file\E:3:1: unknown key "timeuot"; did you mean "timeout"\?\n\z/, '... likewise');

SKIP:
{
	my $lowest = slurp_file('/proc/sys/net/ipv4/ip_unprivileged_port_start');
	skip 'every port is free to everybody here', 2 if $lowest <= 80 || $> == 0;
	fails(1, qr/cannot listen at 127\.0\.0\.1:80: Permission denied; ports below 1024 are root's: choose a higher one with --listen/,
		'a privileged port', '--listen', '127.0.0.1:80');
}
SKIP:
{
	IO::Socket::IP->new(Listen => 1, LocalHost => '::1', Proto => 'tcp') or skip 'there is no IPv6 here', 2;
	my $six = ServeTest->try('--listen', '[::1]:0');
	$six->{address} = $six->says(qr{http://(\S+)/metrics});
	like($six->{address}, qr/^\[::1\]:\d+$/, 'IPv6');
	is($six->metric('up'), 1, '... answers');
}

$node->stop;
done_testing();
