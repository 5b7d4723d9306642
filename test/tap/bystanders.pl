# Who is idle or holds a transaction for a reason is not ended by policies that name
# nobody and judge by the gap since the last command; and who looks much like it, and has
# no reason, is.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use BystanderTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $threshold = 2;
my $server = BystanderTest->start(
	'bystanders',
	init => { allows_streaming => 'logical' },
	conf => [
		'autovacuum_naptime = 1s',
		'max_connections = 100',
		'max_worker_processes = 20',
		"pg_leash.stalled_client_threshold = '${threshold}s'" ]);
my $admin = $server->{admin};
my $node = $server->node;
my $app = 'app';

##### What they need

$admin->query($_) for (
	"CREATE ROLE $app LOGIN REPLICATION",
	"GRANT EXECUTE ON FUNCTION leash.lease(interval, text), leash.release() TO $app",
	"GRANT USAGE ON SCHEMA leash TO $app",
	"GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean) TO $app",
	'CREATE TABLE news (id integer PRIMARY KEY)',
	"GRANT ALL ON news TO $app",
	'CREATE TABLE sent (id integer)',
	"GRANT ALL ON sent TO $app",
	'CREATE PUBLICATION news FOR TABLE news',
	"SELECT pg_create_logical_replication_slot('news', 'pgoutput')",
	"SELECT pg_create_logical_replication_slot('watched', 'test_decoding')",
	"SELECT pg_create_logical_replication_slot('peeked', 'test_decoding')",
	# Takes a while for each row, in parallel workers too.
	q{CREATE FUNCTION slow(integer) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE AS
		$$BEGIN PERFORM pg_sleep(0.1); RETURN true; END$$},
	'CREATE TABLE many AS SELECT i AS id FROM generate_series(1, 100000) AS i',
	"GRANT SELECT ON many TO $app",
	"CREATE TABLE many_of_app AS SELECT * FROM many",
	"ALTER TABLE many_of_app OWNER TO $app",
	# Dumped slowly: its rows are seen through a function.
	'CREATE TABLE guarded AS SELECT i AS id FROM generate_series(1, 10000) AS i',
	'ALTER TABLE guarded ENABLE ROW LEVEL SECURITY',
	"CREATE POLICY guard ON guarded TO $app USING (slow(id))",
	"GRANT SELECT ON guarded TO $app",
	# Dumped as soon as somebody opens the gate.
	'CREATE TABLE gate ()',
	"GRANT SELECT ON gate TO $app",
	q{CREATE FUNCTION pass() RETURNS boolean LANGUAGE plpgsql AS
		$$BEGIN LOCK TABLE public.gate IN ACCESS SHARE MODE; RETURN true; END$$},
	'CREATE TABLE gated AS SELECT 1 AS id',
	'ALTER TABLE gated ENABLE ROW LEVEL SECURITY',
	"CREATE POLICY pass ON gated TO $app USING (pass())",
	"GRANT SELECT ON gated TO $app",
	# Vacuumed slowly, a tenth of a second for each page.
	q{CREATE TABLE old WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
		autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)
		AS SELECT i AS id, repeat('x', 200) AS text FROM generate_series(1, 50000) AS i},
	'DELETE FROM old WHERE id % 2 = 0',
	'CREATE DATABASE copy');
my $copy = $server->session(dbname => 'copy', params => { application_name => 'admin' });
$copy->query('CREATE TABLE news (id integer PRIMARY KEY)');
$copy->query(sprintf q{CREATE SUBSCRIPTION news CONNECTION 'host=%s port=%d dbname=postgres user=%s' PUBLICATION news
	WITH (create_slot = false, slot_name = news, copy_data = false)}, $node->host, $node->port, $app);

##### Bystanders, and beside each who looks like it

# Each as [name, whether it is as it was, session ids or process ids].
my @bystanders;
my @leaks;

# Processes of the server's: they must stay the same.
sub processes
{
	my ($name, $where) = @_;
	my $pids = "SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE $where";
	$server->until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $where)");
	my $before = $server->value($pids);
	push @bystanders, { name => $name, pids => $before, alive => sub { return $server->value($pids) eq $before } };
	return;
}

sub client
{
	my ($application, @prepare) = @_;
	my $session = $server->session(user => $app, params => { application_name => $application });
	$server->session_id($session);
	ref $_ ? $_->($session) : $session->query($_) for @prepare;
	return $session;
}

# A session that is quiet and must be left alone.
sub bystander
{
	my ($name, @prepare) = @_;
	my $session = client('app', @prepare);
	push @bystanders, { name => $name, pids => $session->{pid}, alive => sub { return $session->alive } };
	return $session;
}

# One that is to be ended.
sub leak
{
	my ($name, $application, @prepare) = @_;
	push @leaks, { name => $name, session => client($application, @prepare) };
	return;
}

my $kept = $PostgreSQL::Test::Utils::tmp_check . '/kept';
mkdir $kept or die $!;

processes('the apply worker of a subscription', "backend_type IN ('logical replication worker', 'logical replication apply worker')");
processes('the walsender that it reads from', "backend_type = 'walsender' AND application_name = 'news'");
leak('a session that has the name of a subscription', 'news', 'SELECT count(*) FROM news');

$server->start_program('pg_receivewal', '-U', $app, '-D', $kept, '--no-sync', '--no-loop');
processes('a physical walsender', "backend_type = 'walsender' AND application_name = 'pg_receivewal'");
leak('a session that calls itself pg_receivewal', 'pg_receivewal', 'SELECT pg_current_wal_lsn()');

$server->start_program('pg_recvlogical', '-U', $app, '-d', 'postgres', '--slot', 'watched', '--start', '--no-loop', '-f', '/dev/null');
processes('a logical walsender', "backend_type = 'walsender' AND application_name = 'pg_recvlogical'");
leak('a session that has read a slot in SQL', 'pg_recvlogical', q{SELECT count(*) FROM pg_logical_slot_peek_changes('peeked', NULL, NULL)});

$server->start_program('pg_basebackup', '-U', $app, '-D', "$kept/base", '--max-rate=32', '--checkpoint=fast', '--wal-method=none', '--no-sync');
processes('a base backup', "backend_type = 'walsender' AND application_name = 'pg_basebackup' AND query ~ 'BASE_BACKUP'");
leak('a session that calls itself pg_basebackup', 'pg_basebackup', 'SELECT 1');
bystander('a session between the start and the stop of a backup', q{SELECT pg_backup_start('by hand', true)});
leak('a session whose backup is done', 'app', q{SELECT pg_backup_start('done', true)}, 'SELECT pg_backup_stop(false)');

$server->start_program('pg_dump', '-U', $app, '--enable-row-security', '--table=guarded', '--data-only', '-f', "$kept/dump", 'postgres');
processes('pg_dump', "application_name = 'pg_dump' AND query ~ '^COPY'");
leak('a session that holds a snapshot and a table as pg_dump does', 'pg_dump',
	'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY', 'LOCK TABLE many IN ACCESS SHARE MODE');

# The leader waits for its workers, of which one waits for the gate, and one for the other.
my $gatekeeper = $server->session(params => { application_name => 'admin' });
$gatekeeper->query($_) for 'BEGIN', 'LOCK TABLE gate';
my $parallel_dump = $server->start_program('pg_dump', '-U', $app, '--enable-row-security', '--table=gated', '--table=news',
	'--format=directory', '--jobs=2', '-f', "$kept/parallel", 'dbname=postgres application_name=parallel');
my $parallel = "FROM leash.sessions WHERE application_name = 'parallel'";
$server->until("SELECT string_agg(state, ', ' ORDER BY state) $parallel", 'active, idle in transaction, idle in transaction');
processes('the leader and the workers of pg_dump --jobs', "application_name = 'parallel'");
my $shared = 'exported a snapshot, imported a snapshot, imported a snapshot';
is($server->until("SELECT string_agg(exempt, ', ' ORDER BY exempt) $parallel", $shared), $shared, 'they share a snapshot');
leak('a session that has exported a snapshot in the transaction before', 'parallel',
	'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT pg_export_snapshot()', 'COMMIT AND CHAIN', 'LOCK TABLE many IN ACCESS SHARE MODE');
my $exporter = client('app');
leak('a session that has imported a snapshot which is exported no more', 'parallel',
	'BEGIN ISOLATION LEVEL REPEATABLE READ',
	sub {
		$exporter->query('BEGIN');
		$_[0]->query(sprintf q{SET TRANSACTION SNAPSHOT '%s'}, $exporter->value('SELECT pg_export_snapshot()'));
		$exporter->query('COMMIT');
	});

leak('a client that does not read what it has asked for', 'pg_dump',
	sub { $_[0]->send_query(q{COPY (SELECT repeat('x', 1000) FROM many) TO STDOUT}) });
leak('a client that does not send what it has announced', 'app', sub { $_[0]->query('COPY sent FROM STDIN', 'G') });

processes('autovacuum', "backend_type = 'autovacuum worker' AND query ~ 'public.old'");
leak('a session that has vacuumed', 'app', 'VACUUM many_of_app');

my @parallel = map { "SET $_" } ('max_parallel_workers_per_gather = 2', 'parallel_setup_cost = 0',
	'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0');
my $leader = client('app', @parallel, sub { $_[0]->send_query('SELECT count(*) FROM many WHERE slow(id)') });
$server->until("SELECT count(*) FROM pg_stat_activity WHERE leader_pid = $leader->{pid}", '2');
processes('a parallel query', "pid = $leader->{pid} AND state = 'active'");
processes('its workers', "leader_pid = $leader->{pid}");
leak('a session whose parallel query is done', 'app', @parallel, 'SELECT count(*) FROM many WHERE id % 7 = 1');

my $listener = bystander('a session that listens', 'LISTEN news');
leak('a session that listens no more', 'app', 'LISTEN news', 'UNLISTEN news');

bystander('a session with an advisory lock', 'SELECT pg_advisory_lock(1)');
leak('a session that has released its advisory lock', 'app', 'SELECT pg_advisory_lock(2)', 'SELECT pg_advisory_unlock(2)');
bystander('a transaction with an advisory lock', 'BEGIN', 'SELECT pg_advisory_xact_lock(3)');
leak('a transaction with another lock', 'app', 'BEGIN', 'LOCK TABLE news IN ACCESS SHARE MODE');

bystander('a leased session', q{SELECT leash.lease('1 hour', 'the export of the month')});
leak('a session whose lease is over', 'app', q{SELECT leash.lease('100 ms', 'a moment')});
leak('a session that has given its lease back', 'app', q{SELECT leash.lease('1 hour', 'too long')}, 'SELECT leash.release()');

$server->start_clients;
leak('a session of a pool that is used no more', 'pool', 'SELECT count(*) FROM news');
leak('a cursor that is read no more', 'cursor', 'BEGIN', 'DECLARE c CURSOR FOR SELECT id FROM many', 'FETCH c', 'FETCH c');

##### Policies

my @common = (applications => 'NULL', action => q('terminate'));
$server->policies(
	[ 'the test itself', action => q('spare'), priority => 1, applications => q('{admin}') ],
	[ 'gap', @common, states => q('{idle}'), idle_for => "'$threshold s'" ],
	[ 'gap in a transaction', @common, states => q('{idle in transaction, idle in transaction (aborted)}'), idle_for => "'$threshold s'" ],
	[ 'stalled', @common, kinds => q('{stalled client}') ]);

for my $leak (@leaks)
{
	my $session = $leak->{session};
	$server->until_journal($session, 'ended');
	is($server->journal($session, 'outcome'), 'ended', "ended: $leak->{name}");
}

# All that are left have been there for longer than those, and are looked at again and again.
$server->rounds_pass for 1 .. 5;
for my $bystander (@bystanders)
{
	ok($bystander->{alive}->(), "alive: $bystander->{name}");
	is($server->value("SELECT count(*) FROM leash.reap_log WHERE pid IN ($bystander->{pids})"), '0', "never decided upon: $bystander->{name}");
}
is($listener->value('SELECT count(*) FROM pg_listening_channels()'), '1', 'it still listens');
$admin->query('INSERT INTO news VALUES (1)');
is(do { my $rows; until (($rows = $copy->value('SELECT count(*) FROM news')) eq '1') { $server->rounds_pass } $rows }, '1', 'what is published is applied');

$gatekeeper->query('COMMIT');
is($server->finish_program($parallel_dump), '', 'pg_dump --jobs comes to its end');

my ($answers, @cut) = reverse $server->stop_clients;
for my $case ([ 'pool', 'a pool that is used every second' ], [ 'cursor', 'a cursor that is read every 0.3 s' ],
	[ 'reader', 'a client that reads slowly' ], [ 'sender', 'a client that sends slowly' ])
{
	my ($name, $what) = @$case;
	is(join("\n", grep { /^$name .* ([\d.]+) s$/ && $1 < $threshold } @cut), '', "alive: $what");
}
like($answers, qr/^\d+ answers$/, "they went on: $answers");
is($server->stop_programs, '', 'the programs ran on');
$node->stop('immediate');

done_testing();
