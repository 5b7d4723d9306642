# leash.health(): what each check sees, and says of it.  sql/health.sql has what needs no
# other session; worker.pl, policies.pl and server_full.pl have the rest.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use HistoryTest;
use PostgreSQL::Test::Utils;
use Test::More;

# In short minutes: the last ten are five seconds.
my $server = HistoryTest->start(
	'health',
	conf => [
		'max_connections = 60', "shared_buffers = '1MB'", 'max_prepared_transactions = 2', 'wal_level = logical',
		'pg_leash.applications_max = 10', 'pg_leash.slow_statements_max = 10' ]);
my $node = $server->node;
my $admin = $server->{admin};

sub health
{
	my ($check, $columns) = @_;
	return $server->value("SELECT $columns FROM leash.health() WHERE \"check\" = '$check'");
}

sub until_health
{
	my ($check, $condition) = @_;
	return $server->until("SELECT $condition FROM leash.health() WHERE \"check\" = '$check'");
}

# Does something over and over until a check meets a condition.
sub repeat_until
{
	my ($check, $condition, $do) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	do { $do->() } while (health($check, $condition) ne 't' && time < $until);
	return;
}

sub clients
{
	my ($count, $name) = @_;
	return map { $server->session(params => { application_name => $name // 'client' }) } 1 .. $count;
}

sub quit
{
	my (@clients) = @_;
	$_->quit for @clients;
	$server->until('SELECT count(*) FROM leash.sessions', 1);
	return;
}

subtest 'exhaustion' => sub {
	is(health('exhaustion', 'status, value, warning, critical'), 'ok||3600|600', 'nothing grows');
	my @clients;
	my ($begin, $opened);
	for (1 .. 12)
	{
		push @clients, clients(1);
		$server->next_minute;
	}
	is(until_health('exhaustion', 'value IS NOT NULL'), 't', 'connections grow');
	is(health('exhaustion', 'status, value BETWEEN 40 * 0.5 / 3 AND 60 * 0.5 * 3'), 'critical|t', 'one in half a second: for so long there is room');
	like(health('exhaustion', 'message'), qr/^connections grow by [\d.]+ a minute: the last of 57 .* is gone in \d+/, 'in words');
	quit(@clients);
	is(until_health('exhaustion', "value IS NULL AND status = 'ok' AND message = 'connections do not grow'"), 't', 'and then they do not');
};

subtest 'leaked, by weight' => sub {
	$admin->query('CREATE TABLE things (id integer)');
	my ($blocks, $holds, $waits) = clients(3);
	$blocks->query('BEGIN; LOCK TABLE things');
	$holds->query('BEGIN');
	$waits->send_query('SELECT * FROM things');
	$server->until_of($waits, 'wait_event_type', 'Lock');
	$server->thresholds(idle_in_transaction => '1ms');
	is(until_health('leaked', "message = '2 of 4 sessions are leaked (1 blocks others, 1 holds a slot): see leash.leaks'"), 't', 'the worst first');
	$blocks->query('COMMIT');
	$waits->wait_ready;
	quit($blocks, $holds, $waits);
};

subtest 'blocked sessions' => sub {
	is(health('blocked', 'status, value, warning, critical'), 'ok|0|5|20', 'none is');
	is(health('lock_wait', 'status, value, message'), 'ok|0|no session waits for a lock', 'nor waits');
	my ($holder, @waiting) = clients(7);
	$holder->query('BEGIN; LOCK TABLE things');
	$waiting[0]->send_query('SELECT * FROM things');
	is(until_health('lock_wait', 'value > 0.1'), 't', 'one does');
	like(health('lock_wait', 'message'), qr/^1 sessions wait for a lock, pid $waiting[0]{pid} for /, 'and which');
	$_->send_query('SELECT * FROM things') for @waiting[1 .. 5];
	is(until_health('blocked', 'value = 6'), 't', 'each that has waited for a second');
	is(health('blocked', 'status, message'), 'warning|6 sessions have waited for a lock for a second or more', 'which is said');
	is(health('lock_wait', 'value BETWEEN 1 AND 180, warning, critical'), 't|10|60', 'the longest');
	is(until_health('lock_wait', "status = 'warning'"), 't', 'which lasts');
	$holder->query('COMMIT');
	$_->wait_ready for @waiting;
	is(health('lock_wait', 'status, value') . '|' . health('blocked', 'value'), 'ok|0|0', 'and is over');
	quit($holder, @waiting);
};

# Transactions that end leave the age of the oldest that is needed.
sub use_transactions
{
	my ($count) = @_;
	$admin->query('SELECT txid_current()') for 1 .. $count;
	return;
}

subtest 'the age of xmin' => sub {
	is(health('xmin_age', 'status, value, warning, critical'), 'ok|0|10000000|100000000', 'nobody holds it back');
	is(health('xmin_age', 'message'), 'vacuum can remove what died 0 transactions ago', 'in words');
	my ($client) = clients(1);
	my $held = sub {
		my ($count, $what) = @_;
		return health('xmin_age', "value = $count, message = 'what died in the last $count transactions is kept for $what'");
	};
	$client->query('BEGIN; SELECT txid_current()');
	use_transactions(20);
	is($held->(21, "session with pid $client->{pid}"), 't|t', 'a transaction that writes');
	$client->query('COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	use_transactions(30);
	is($held->(30, "session with pid $client->{pid}"), 't|t', 'one that only reads');
	$client->query("COMMIT; BEGIN; SELECT txid_current(); PREPARE TRANSACTION 'one'");
	use_transactions(10);
	is($held->(11, 'a prepared transaction'), 't|t', 'a prepared one');
	# The snapshot that was taken while it was there outlives it.
	$client->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	$admin->query("ROLLBACK PREPARED 'one'");
	is($held->(11, "session with pid $client->{pid}"), 't|t', 'whoever still needs it');
	$client->query('COMMIT');
	$admin->query("SELECT pg_create_logical_replication_slot('slot', 'test_decoding')");
	use_transactions(40);
	like(health('xmin_age', 'message'), qr/^what died in the last 4\d transactions is kept for a replication slot$/, 'a slot');
	$admin->query("SELECT pg_drop_replication_slot('slot')");
	is(health('xmin_age', 'value'), '0', 'and then nobody');
	quit($client);
};

subtest 'cache hits' => sub {
	is(until_health('cache_hit', 'value IS NULL'), 't', 'few blocks tell nothing');
	like(health('cache_hit', 'status, message'), qr/^ok\|too few blocks were asked for in the last 5\.0s \(\d+\)$/, 'which is said');
	my ($client) = clients(1);
	$client->query("CREATE TABLE large AS SELECT repeat('x', 4000) AS x FROM generate_series(1, 6000)");
	$client->query('CREATE TABLE small AS SELECT 1 AS x');
	$client->query('ALTER TABLE large ALTER x SET STORAGE PLAIN');
	$client->query("TRUNCATE large; INSERT INTO large SELECT repeat('x', 4000) FROM generate_series(1, 6000)");
	repeat_until('cache_hit', "status = 'critical'", sub { $client->query('SELECT count(*) FROM large') for 1 .. 2; $server->flush($client) });
	is(health('cache_hit', 'status, value <= 0.5, warning, critical'), 'critical|t|0.8|0.5', 'a table that does not fit');
	like(health('cache_hit', 'message'), qr/^\d+\.\d % of \d+ blocks were found in shared buffers in the last 5\.0s$/, 'in words');
	# Two of three: below the one limit, above the other.
	my $some = 'DO $$ BEGIN FOR i IN 1 .. 6000 LOOP PERFORM x FROM small; END LOOP; END $$';
	repeat_until('cache_hit', 'value > 0.55', sub { $client->query('SELECT count(*) FROM large'); $client->query($some); $server->flush($client) });
	is(health('cache_hit', 'status, value BETWEEN 0.5 AND 0.8'), 'warning|t', 'some that do not');
	my $hit = 'DO $$ BEGIN FOR i IN 1 .. 5000 LOOP PERFORM x FROM small; END LOOP; END $$';
	repeat_until('cache_hit', "status = 'ok' AND value > 0.8", sub { $client->query($hit); $server->flush($client) });
	is(health('cache_hit', "status, value > 0.8"), 'ok|t', 'and one that does');
	quit($client);
};

subtest 'slow statements' => sub {
	is(until_health('slow', "value < 0.05 AND status = 'ok'"), 't', 'few are');
	my ($client) = clients(1);
	$client->query('SET pg_leash.slow_statement_threshold = 0');
	repeat_until('slow', "status = 'critical'", sub { $client->query('SELECT 1') for 1 .. 1000 });
	is(health('slow', 'status, value >= 0.25, warning, critical'), 'critical|t|0.05|0.25', 'many are');
	like(health('slow', 'message'), qr/^\d+ of \d+ statements were slow in the last 5\.0s$/, 'in words');
	quit($client);
	is($server->until("SELECT value IS NOT NULL AND status = 'ok' FROM leash.health() WHERE \"check\" = 'slow'"), 't', 'and it is over when those minutes are');
};

subtest 'the tracker' => sub {
	is(health('tracker', 'status, value, warning, critical, message'), 'ok|0|1||nothing was lost', 'nothing is lost');
	my @clients = map { clients(1, "crowd $_") } 1 .. 12;
	is(until_health('tracker', "status = 'warning' AND value >= 2"), 't', 'applications that find no room');
	like(health('tracker', 'message'), qr/^\d+ sessions are of applications that found no room \(raise pg_leash\.applications_max\)/, 'with the remedy');
	quit(@clients);
	is(until_health('tracker', "status = 'warning' AND value >= 2"), 't', 'are not forgotten when they have gone');
	$admin->query("SELECT leash.reset('connections')");
	is(until_health('tracker', "status = 'ok' AND value = 0"), 't', 'but when statistics are');
};

# A record whose turn comes again while somebody still writes it is lost.  There are ten;
# whoever is interrupted while it writes finds that all have been written meanwhile.
subtest 'slow statements that are not recorded' => sub {
	my @clients = clients(6);
	$_->query('SET pg_leash.slow_statement_threshold = 0') for @clients;
	repeat_until(
		'tracker', 'value > 0',
		sub {
			$_->send_query('SELECT 1;' x 2000) for @clients;
			$_->wait_ready for @clients;
		});
	$_->query('SET pg_leash.slow_statement_threshold = -1') for @clients;
	my $lost = health('tracker', 'value');
	is(health('tracker', 'status, message'), "warning|$lost slow statements were not recorded", 'are counted');
	$admin->query("SELECT leash.reset('connections')");
	is(health('tracker', 'value'), $lost, 'and not forgotten with other statistics');
	$admin->query("SELECT leash.reset('slow_statements')");
	is(health('tracker', 'status, value, message'), 'ok|0|nothing was lost', 'but with these');
	quit(@clients);
};

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|signal 6/, 'nothing in the log that must not be there');
done_testing();
