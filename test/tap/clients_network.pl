# Verdicts on psycopg at another host, whose cable is pulled out: in the middle of a
# result, and with nothing under way; and what PostgreSQL's own settings do then.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use NetworkNamespace;
my $no_network;
BEGIN { $no_network = NetworkNamespace::enter() }

use ClientTest;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'the kernel can be asked on Linux only' if $^O ne 'linux';
plan skip_all => "no network of two hosts: $no_network" if $no_network;

my $cable = NetworkNamespace->new;
my $server = ClientTest->start('network', conf => ["listen_addresses = '*'"]);
append_to_file($server->node->data_dir . '/pg_hba.conf', "host all all $NetworkNamespace::network trust\n");
$server->node->reload;
$server->{admin}->query($_) for 'CREATE TABLE sales AS SELECT * FROM orders', 'GRANT SELECT ON sales TO shop';
my $gate = $server->session;
$gate->query($_) for 'BEGIN', 'LOCK TABLE sales';

# Starts a program over there; the options are the server's, for its session.
sub start
{
	my ($application, $file, @options) = @_;
	my $client = $server->program(
		$application, $file,
		around => $cable->around,
		env => { PGHOST => $NetworkNamespace::server_address, PGOPTIONS => join ' ', map { "-c $_" } @options });
	$client->says(qr/^ready/);
	return $client;
}

sub is_of
{
	my ($application, $columns, $expected, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($server->until("SELECT $columns FROM leash.sessions WHERE application_name = '$application'", $expected), $expected, $what);
}

my $report = q(SELECT id, repeat(status, ?) FROM sales);
my $select = q(SELECT status FROM orders WHERE id = $1);
my @keepalive = qw(tcp_keepalives_idle=1 tcp_keepalives_interval=1 tcp_keepalives_count=100);
my %client = (
	'far-report' => start('far-report', 'psycopg_report.py'),
	'far-timeout' => start('far-timeout', 'psycopg_report.py', 'tcp_user_timeout=2000'),
	'far-rests' => start('far-rests', 'psycopg_autobegin.py'),
	'far-keepalive' => start('far-keepalive', 'psycopg_autobegin.py', @keepalive));

subtest 'before' => sub {
	is_of($_, 'peer, client_addr', "alive|$NetworkNamespace::peer_address", "$_ is alive, at another host") for sort keys %client;
	is_of($_, 'wait_event, leak', 'relation|', "$_ waits for its result") for qw(far-report far-timeout);
	is_of($_, 'leak', 'idle in transaction', "$_ has left its transaction open") for qw(far-rests far-keepalive);
};

$cable->unplug;
$gate->query('ROLLBACK');

subtest 'in the middle of a result' => sub {
	$server->groups_are('far-report', ["peer gone|1|holds back xmin|$report"], 'what is sent is not acknowledged');
	like($server->value(q(SELECT reason FROM leash.leaks WHERE application_name = 'far-report')),
		qr/^its client does not acknowledge what was sent/, 'the reason');
	is_of('far-report', 'state, wait_event, peer', 'active|ClientWrite|retransmitting', 'PostgreSQL waits for the client');
};

subtest 'with nothing under way' => sub {
	is_of('far-rests', 'leak, peer', 'idle in transaction|alive', 'nobody can tell, and its threshold counts');
	$server->groups_are('far-keepalive', ["peer gone|1|holds back xmin|$select"], 'unless keepalive probes are sent, and not answered');
	is_of('far-rests', 'leak, peer', 'idle in transaction|alive', 'not even then of others');
};

is($server->until(q(SELECT count(*) FROM leash.sessions WHERE application_name = 'far-timeout'), '0'), '0',
	'with tcp_user_timeout, PostgreSQL gives up by itself what is not acknowledged');

subtest 'an end' => sub {
	for my $application (qw(far-report far-keepalive far-rests))
	{
		is($server->value("SELECT leash.terminate(session_id, force => true) FROM leash.sessions WHERE application_name = '$application'"),
			'ended', "$application can be ended");
	}
};

done_testing();
