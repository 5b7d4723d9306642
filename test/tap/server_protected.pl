# Facts that protect a session whatever its age and whoever asks: a lease, a backup, a
# snapshot that others count on.
# And what is merely told of one: what a reap would lose.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('protected', init => { allows_streaming => 'logical' }, conf => ['max_connections = 30']);
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');
$server->thresholds(idle_in_transaction => '1ms', idle => '1ms');

sub exempt_is
{
	my ($client, $exempt, $what) = @_;
	is($server->until_of($client, "coalesce(exempt, '')", $exempt), $exempt, $what);
	return;
}

# A lease is shown with its end, which is cut off here.
sub lease_is
{
	my ($client, $reason, $what) = @_;
	my $shown = "regexp_replace(exempt, '^lease until \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d[^ ]+: ', '')";
	is($server->until_of($client, "coalesce($shown, '')", $reason), $reason, $what);
	return;
}

sub loses_is
{
	my ($client, $loses, $what) = @_;
	is($server->of($client, 'loses'), $loses, $what);
	return;
}

subtest 'a lease' => sub {
	my $client = $server->session;
	$client->query($_) for 'BEGIN', 'LOCK TABLE things';
	is($server->until_of($client, 'kind', 'idle in transaction', 'leash.leaks'), 'idle in transaction', 'a leak');
	my $log = -s $server->node->logfile;
	$client->query("SELECT leash.lease('1 hour', 'Größenänderung')");
	lease_is($client, 'Größenänderung', 'is shown with its reason');
	is($server->of($client, "coalesce(leak, 'none')"), 'none', 'and makes it none');
	my $id = $server->session_id($client);
	my @logged = grep { /Größenänderung/ && !/LOG:  statement: / } split /\n/, slurp_file($server->node->logfile, $log);
	is(scalar @logged, 1, 'one line of the log tells of it');
	like($logged[0], qr/LOG:  session \Q$id\E of role "postgres" takes a lease until \d{4}-\d\d-\d\d .*: Größenänderung$/, 'with all there is to say');
	is($server->terminate($client), 'exempt: lease', 'it is not ended');
	is($server->terminate($client, force => 1), 'exempt: lease', 'not by force either');

	$client->query('COMMIT');
	$client->send_query('SELECT pg_sleep(60)');
	$server->until_of($client, 'wait_event', 'PgSleep');
	is($server->terminate($client), 'exempt: lease', 'nor when it is active');
	is($server->terminate($client, force => 1), 'exempt: lease', 'not by force either');
	is($server->cancel($client), 'cancelled', 'but its statement can be cancelled: the lease is for idling');
	$client->wait_ready;

	is($client->value('SELECT leash.release()'), 't', 'it is given back');
	exempt_is($client, '', 'and is no more');
	$server->until_at_rest($client);
	is($server->terminate($client), 'ended', 'then the session is ended');
};

subtest 'a lease that runs out' => sub {
	my $client = $server->session;
	$client->query("SELECT leash.lease('50 ms', 'short')");
	exempt_is($client, '', 'by itself');
	is($server->until_of($client, "coalesce(leak, 'none')", 'unused'), 'unused', 'then it is judged as any other');
	$server->until_at_rest($client);
	is($server->terminate($client), 'ended', 'and ended');
};

subtest 'the longest lease' => sub {
	my $client = $server->session;
	$client->query("SELECT leash.lease('1 hour', 'long')");
	for ([ '1min', 'lease of 00:01:00.000001 is longer than "pg_leash.lease_max" (1min)' ], [ '0', 'leases are switched off' ])
	{
		my ($most, $message) = @$_;
		$admin->query("ALTER SYSTEM SET pg_leash.lease_max = '$most'");
		$admin->query('SELECT pg_reload_conf()');
		$server->until('SHOW pg_leash.lease_max', $most);
		$client->try("SELECT leash.lease('1 minute 1 microsecond', 'longer')");
		is("$client->{error}{C} $client->{error}{M}", "22023 $message", "at most $most");
	}
	lease_is($client, 'long', 'one that is held is not shortened');
	$admin->query('ALTER SYSTEM RESET pg_leash.lease_max');
	$admin->query('SELECT pg_reload_conf()');
	$server->until('SHOW pg_leash.lease_max', '1d');
	$client->quit;
};

subtest 'the next session in a slot' => sub {
	my @clients = map { $server->session } 1 .. 5;
	$_->query("SELECT leash.lease('1 hour', 'mine')") for @clients;
	$_->query('DECLARE c CURSOR WITH HOLD FOR SELECT 1') for @clients;
	is($server->value("SELECT count(*) FROM leash.sessions WHERE exempt ~ ': mine\$' AND loses IS NOT NULL"), '5', 'five leases are held');
	$_->quit for @clients;
	$server->until("SELECT count(*) FROM leash.sessions WHERE application_name <> 'admin'", '0');
	@clients = map { $server->session } 1 .. 5;
	is($server->value('SELECT count(exempt), count(loses) FROM leash.sessions'), '0|0', 'and inherited by nobody');
	$_->quit for @clients;
};

subtest 'a backup' => sub {
	my $client = $server->session;
	$client->query("SELECT pg_backup_start('one', true)");
	exempt_is($client, 'runs a backup', 'exempts');
	is($server->of($client, "coalesce(leak, 'none')"), 'none', 'so it is no leak');
	$server->until_at_rest($client);
	is($server->terminate($client), 'exempt: runs a backup', 'it is not ended');
	is($server->terminate($client, force => 1), 'exempt: runs a backup', 'not by force either');
	is($client->sqlstate("SELECT pg_backup_start('two', true)"), '55000', 'a second one fails');
	exempt_is($client, 'runs a backup', 'which does not end the first');
	$client->query('SELECT 1');
	exempt_is($client, 'runs a backup', 'nor does another statement');
	$client->query('SELECT pg_backup_stop(false)');
	exempt_is($client, '', 'until it is over');
	$client->quit;
};

subtest 'a backup in a transaction' => sub {
	my $client = $server->session;
	$client->query($_) for 'BEGIN', "SELECT pg_backup_start('block', true)";
	exempt_is($client, 'runs a backup', 'exempts before the transaction ends');
	$client->query('ROLLBACK');
	exempt_is($client, 'runs a backup', 'and goes on when that is rolled back');
	$client->query($_) for 'BEGIN', 'SELECT pg_backup_stop(false)';
	exempt_is($client, 'runs a backup', 'its end counts at the end of the transaction');
	$client->query('COMMIT');
	exempt_is($client, '', 'then it is over');
	$client->query('SELECT pg_backup_start(NULL)');
	exempt_is($client, '', 'one that never began is none');
	$client->quit;
};

subtest 'a backup that nobody ended' => sub {
	my @clients = map { $server->session } 1 .. 3;
	$_->query("SELECT pg_backup_start('lost', true)") for @clients;
	exempt_is($_, 'runs a backup', 'exempts') for @clients;
	$_->hang_up for @clients;
	$server->until("SELECT count(*) FROM leash.sessions WHERE application_name <> 'admin'", '0');
	@clients = map { $server->session } 1 .. 3;
	is($server->value('SELECT count(exempt) FROM leash.sessions'), '0', 'nobody inherits it');
	$_->quit for @clients;
};

# Begins, and exports a snapshot; returns its name.
sub export_snapshot
{
	my ($client) = @_;
	$client->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
	return $client->value('SELECT pg_export_snapshot()');
}

sub import_snapshot
{
	my ($client, $snapshot) = @_;
	$client->query($_) for 'BEGIN ISOLATION LEVEL REPEATABLE READ', "SET TRANSACTION SNAPSHOT '$snapshot'";
	return;
}

# Whatever is asked, it is not ended.
sub protected_by
{
	my ($client, $fact) = @_;
	exempt_is($client, $fact, 'exempts');
	is($server->of($client, "coalesce(leak, 'none')"), 'none', 'so it is no leak');
	$server->until_at_rest($client);
	is($server->terminate($client), "exempt: $fact", 'it is not ended');
	is($server->terminate($client, force => 1), "exempt: $fact", 'not by force either');
	return;
}

my $exported = 'exported a snapshot';
my $imported = 'imported a snapshot';

subtest 'an exported snapshot' => sub {
	my $client = $server->session;
	export_snapshot($client);
	protected_by($client, $exported);
	$client->query('SELECT 1');
	exempt_is($client, $exported, 'after another statement too');
	$client->query('SAVEPOINT s');
	$client->try('SELECT 1 / 0');
	exempt_is($client, $exported, 'a savepoint that failed leaves it');
	$client->query('ROLLBACK TO s');
	exempt_is($client, $exported, 'its rollback too');
	$client->query('COMMIT');
	exempt_is($client, '', 'the end of the transaction ends it');
	$client->query($_) for 'BEGIN', 'SELECT 1';
	exempt_is($client, '', 'the next transaction has none');
	$client->query('ROLLBACK');

	export_snapshot($client);
	$client->query('ROLLBACK AND CHAIN');
	exempt_is($client, '', 'rolled back and chained');
	$client->query('ROLLBACK');

	export_snapshot($client);
	$client->try('SELECT 1 / 0');
	exempt_is($client, '', 'a transaction that failed has exported nothing');
	$client->try('SELECT 1');
	exempt_is($client, '', 'whatever is sent in it');
	$client->query('ROLLBACK');
	exempt_is($client, '', 'nor after it');
	$client->query($_) for 'BEGIN', 'SELECT 1';
	exempt_is($client, '', 'nor in the next');
	$client->query('ROLLBACK');

	$client->query('SELECT pg_export_snapshot()');
	exempt_is($client, '', 'outside a transaction block');
	$server->until_at_rest($client);
	is($server->terminate($client), 'ended', 'it is ended');
};

subtest 'who exports a snapshot, and who only seems to' => sub {
	my $client = $server->session;
	for (
		[ 'in a function', $exported, 'DO $$ BEGIN PERFORM pg_export_snapshot(); END $$' ],
		[ 'twice', $exported, 'SELECT pg_export_snapshot()', 'SELECT pg_export_snapshot()' ],
		[ 'through a cursor', $exported, 'DECLARE c CURSOR FOR SELECT pg_export_snapshot()', 'FETCH c' ],
		[ 'a cursor that was not read', '', 'DECLARE c CURSOR FOR SELECT pg_export_snapshot()' ],
		[ 'a call that did not happen', '', 'SELECT CASE WHEN random() > 2 THEN pg_export_snapshot() END' ])
	{
		my ($what, $exempt, @statements) = @$_;
		$client->query($_) for 'BEGIN', @statements;
		exempt_is($client, $exempt, $what);
		$client->query('COMMIT');
		exempt_is($client, '', '... until the end');
	}

	$client->query($_) for 'BEGIN', 'SAVEPOINT s';
	is($client->sqlstate('SELECT pg_export_snapshot()'), '25001', 'from a savepoint it cannot be exported');
	exempt_is($client, '', 'so it was not');
	$client->query('ROLLBACK TO s');
	exempt_is($client, '', 'after the rollback too');
	$client->query('COMMIT');

	$client->query('BEGIN');
	$client->send_message('F', pack 'N n n n', $server->value("SELECT 'pg_export_snapshot'::regproc::oid"), 0, 0, 0);
	$client->wait_ready;
	exempt_is($client, $exported, 'by a fast-path call');
	$client->query('COMMIT');

	$client->query('BEGIN');
	$client->send_query('SELECT pg_export_snapshot(), pg_sleep(60)');
	$server->until_of($client, 'wait_event', 'PgSleep');
	exempt_is($client, $exported, 'while the statement runs that exports it');
	is($server->terminate($client), "exempt: $exported", 'it is not ended');
	is($server->terminate($client, force => 1), "exempt: $exported", 'not by force either');
	is($server->cancel($client), 'cancelled', 'but its statement can be cancelled');
	$client->wait_ready;
	exempt_is($client, '', 'which takes the snapshot back');
	$client->quit;
};

subtest 'an imported snapshot' => sub {
	my ($exporter, $client) = map { $server->session } 1 .. 2;
	my $snapshot = export_snapshot($exporter);
	import_snapshot($client, $snapshot);
	protected_by($client, $imported);
	$client->query('SELECT count(*) FROM things');
	exempt_is($client, $imported, 'after another statement too');
	$client->query('COMMIT');
	exempt_is($client, '', 'until its transaction ends');

	import_snapshot($client, $snapshot);
	$exporter->query('COMMIT');
	exempt_is($client, '', 'or that of who exported it');
	$client->query('COMMIT');

	for my $last_words ('hang_up', 'quit')
	{
		my $other = $server->session;
		import_snapshot($client, export_snapshot($other));
		exempt_is($client, $imported, 'from another');
		$other->$last_words;
		exempt_is($client, '', 'who is gone then');
		$client->query('COMMIT');
	}

	$snapshot = export_snapshot($exporter);
	$client->query($_) for 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SAVEPOINT s';
	for my $name ($snapshot, '00000000-00000000-1', 'no such name', 'F' x 100)
	{
		isnt($client->sqlstate("SET TRANSACTION SNAPSHOT '$name'"), '', 'what fails');
		$client->query('ROLLBACK TO s');
		exempt_is($client, '', '... imports nothing');
	}
	$client->query('ROLLBACK');
	import_snapshot($client, $snapshot);
	$client->try('SELECT 1 / 0');
	exempt_is($client, '', 'a transaction that failed has no use for it');
	$client->query('ROLLBACK');
	import_snapshot($client, $snapshot);
	$client->query('SELECT pg_export_snapshot()');
	exempt_is($client, $exported, 'it can be handed on');
	$exporter->quit;
	exempt_is($client, $exported, 'and then does not depend on the first');
	$client->query('COMMIT');
	$server->until_at_rest($client);
	is($server->terminate($client), 'ended', 'then it is ended');
};

subtest 'a snapshot that a replication slot exports' => sub {
	my $walsender = $server->session(params => { replication => 'database' });
	my $client = $server->session;
	my $create = 'CREATE_REPLICATION_SLOT watched TEMPORARY LOGICAL test_decoding EXPORT_SNAPSHOT';
	import_snapshot($client, $walsender->query($create)->[0][2]);
	exempt_is($client, $imported, 'exempts who imports it');
	$walsender->query('IDENTIFY_SYSTEM');
	exempt_is($client, '', 'until the walsender goes on');
	$_->quit for $walsender, $client;
};

subtest 'the next session has no part in a snapshot' => sub {
	my ($exporter, @sharers) = map { $server->session } 1 .. 5;
	my $snapshot = export_snapshot($exporter);
	import_snapshot($_, $snapshot) for @sharers[0, 1];
	export_snapshot($_) for @sharers[2, 3];
	exempt_is($_, $imported, 'imported') for @sharers[0, 1];
	exempt_is($_, $exported, 'exported') for @sharers[2, 3];
	$_->hang_up for @sharers;
	$server->until("SELECT count(*) FROM leash.sessions WHERE application_name <> 'admin'", '1');
	my @clients = map { $server->session } 1 .. 4;
	is($server->value('SELECT count(exempt) FROM leash.sessions'), '1', 'nobody inherits it');
	$_->quit for @clients, $exporter;
};

subtest 'what a reap would lose' => sub {
	my $client = $server->session;
	loses_is($client, '', 'nothing');
	$client->query('CREATE TEMP TABLE t (a integer)');
	loses_is($client, 'temporary objects', 'a temporary table');
	$client->query('DECLARE c CURSOR WITH HOLD FOR SELECT 1');
	loses_is($client, 'temporary objects, holdable cursors', 'and a cursor');
	is($server->of($client, 'exempt'), '', 'neither exempts');
	my $both = 'temporary objects, holdable cursors';
	is($server->until_of($client, 'loses', $both, 'leash.leaks'), $both, 'both are told of a leak');
	$server->until_at_rest($client);
	is($server->terminate($client), 'ended', 'which is ended all the same');
};

subtest 'cursors WITH HOLD' => sub {
	my $client = $server->session;
	my $held = 'holdable cursors';
	my $declare = 'DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 10)';
	$client->query($_) for 'BEGIN', $declare;
	loses_is($client, '', 'in its transaction it is not kept yet');
	$client->query('COMMIT');
	loses_is($client, $held, 'from the commit on it is');
	$client->query('SELECT 1');
	$client->query('FETCH 3 FROM c');
	loses_is($client, $held, 'whatever is done with it');
	$client->query('CLOSE c');
	loses_is($client, '', 'but to close it');

	$client->query($_) for 'BEGIN', $declare, 'ROLLBACK';
	loses_is($client, '', 'rolled back');
	$client->query($_) for 'BEGIN', 'SAVEPOINT s', $declare, 'ROLLBACK TO s', 'COMMIT';
	loses_is($client, '', 'rolled back with a savepoint');
	$client->query($_) for 'BEGIN', 'DECLARE c CURSOR FOR SELECT 1', 'COMMIT';
	loses_is($client, '', 'without HOLD');
	$client->query("DO \$\$ BEGIN EXECUTE '$declare'; END \$\$");
	loses_is($client, $held, 'declared by a function');
	$client->query($_) for 'BEGIN', 'CLOSE c', 'ROLLBACK';
	loses_is($client, '', 'what was closed does not come back');

	$client->query("DECLARE c$_ CURSOR WITH HOLD FOR SELECT 1") for 1 .. 40;
	$client->query("CLOSE c$_") for 1 .. 39;
	loses_is($client, $held, 'the last of many');
	$client->query('CLOSE c40');
	loses_is($client, '', 'until that is closed too');
	$client->query("DECLARE c$_ CURSOR WITH HOLD FOR SELECT 1") for 1 .. 100;
	$client->query("CLOSE c$_") for 1 .. 99;
	loses_is($client, $held, 'the last of more than can be told apart');
	$client->query('CLOSE ALL');
	loses_is($client, '', 'until all are closed');
	$client->query($declare);
	$client->query('DISCARD ALL');
	loses_is($client, '', 'or discarded');

	$client->query($declare);
	$client->send_message('C', "Pc\0");
	$client->send_message('S', '');
	$client->wait_ready;
	$client->query('SELECT 1');
	loses_is($client, '', 'closed by a message of the protocol, from the next transaction on');
	$client->quit;
};

subtest 'who blocks' => sub {
	my @holders = map { $server->session } 1 .. 2;
	$_->query('BEGIN; LOCK TABLE things IN SHARE MODE') for @holders;
	my $waiter = $server->session;
	is($server->of($waiter, 'blocked_by'), '', 'nobody blocks it');
	$waiter->send_query('BEGIN; LOCK TABLE things; ROLLBACK');
	$server->until_of($waiter, 'wait_event_type', 'Lock');
	my $queued = $server->session;
	$queued->send_query('SELECT count(*) FROM things');
	$server->until_of($queued, 'wait_event_type', 'Lock');
	my $both = join '|', sort { $a <=> $b } map { $_->{pid} } @holders;
	is( $server->value("SELECT string_agg(b::text, '|' ORDER BY b) FROM leash.sessions, unnest(blocked_by) b WHERE pid = $waiter->{pid}"),
		$both, 'both holders do');
	is($server->of($queued, 'blocked_by'), '', 'who stands in a queue is blocked by nobody who holds');
	$_->quit for @holders;
	$waiter->wait_ready;
	$queued->wait_ready;
	$_->quit for $waiter, $queued;
};

done_testing();
