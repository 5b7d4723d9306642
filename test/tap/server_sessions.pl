# leash.sessions as others see a session: state, opener, use, what exempts it, who
# sees its texts, and whether a password is among them.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start(
	'sessions',
	init => { allows_streaming => 1 },
	conf => [ "listen_addresses = '127.0.0.1'", "log_line_prefix = '[%p %c] '", 'max_connections = 20' ]);
my $node = $server->node;
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');

subtest 'identity' => sub {
	my $client = $server->session(params => { application_name => 'the application' });
	is($server->of($client, 'usename, datname, application_name, client_addr, client_port'),
		'postgres|postgres|the application||-1', 'over a Unix socket');
	my $id = $server->session_id($client);
	$client->query("SELECT 'look for me'");
	like(slurp_file($node->logfile), qr/^\[$client->{pid} \Q$id\E\] LOG:  statement: SELECT 'look for me'/m, 'the session id is the %c of the log');
	my $remote = $server->session(host => '127.0.0.1');
	is($server->of($remote, 'client_addr'), '127.0.0.1', 'over TCP');
	is($server->of($remote, 'client_port'), $remote->{socket}->sockport, 'the port');
	is($server->of($client, "session_id <> (SELECT session_id FROM leash.sessions WHERE pid = $remote->{pid})"), 't', 'ids differ');
	is($server->value('SELECT count(*) FROM leash.sessions'),
		$server->value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"), 'as many as in pg_stat_activity');
	$_->quit for $client, $remote;
};

subtest 'states' => sub {
	my $client = $server->session;
	my $seen = "state, in_use, idle_for IS NOT NULL, xact_for IS NOT NULL, statement_for IS NOT NULL, coalesce(opener, '-')";
	$client->query('SELECT id FROM things');
	$server->until_at_rest($client);
	is($server->of($client, $seen), 'idle|f|t|f|f|-', 'idle');
	$client->query('BEGIN');
	$server->until_at_rest($client);
	is($server->of($client, $seen), 'idle in transaction|t|t|t|f|BEGIN', 'idle in transaction: nothing came after BEGIN');
	$client->query('SELECT id FROM things');
	$server->until_at_rest($client);
	is($server->of($client, $seen), 'idle in transaction|t|t|t|f|SELECT id FROM things', 'idle in transaction: the first real statement');
	$admin->query('SELECT pg_advisory_lock(1)');
	$client->send_query('SELECT pg_advisory_xact_lock(1)');
	$server->until_of($client, 'wait_event', 'advisory');
	is($server->of($client, $seen), 'active|t|f|t|t|SELECT id FROM things', 'active');
	is($server->of($client, 'last_statement'), 'SELECT pg_advisory_xact_lock(1)', 'what it runs');
	$admin->query('SELECT pg_advisory_unlock(1)');
	$client->wait_ready;
	$client->try('SELECT 1 / 0');
	$server->until_at_rest($client);
	is($server->of($client, $seen), 'idle in transaction (aborted)|t|t|t|f|SELECT id FROM things', 'aborted');
	$client->query('ROLLBACK');
	$server->until_at_rest($client);
	is($server->of($client, $seen), 'idle|f|t|f|f|-', 'rolled back');
	# what the parser refuses passes no hook; it is the end of an idle time all the same
	my $before = $server->of($client, 'state_change');
	$client->try('SELEC');
	$server->until_at_rest($client);
	is($server->of($client, "idle_for <= clock_timestamp() - state_change AND state_change > '$before'"), 't', 'a failed parse ends an idle time');
	$client->quit;
};

subtest 'the opener, sent with its parameters apart' => sub {
	my $client = $server->session;
	$client->query('BEGIN');
	$client->send_message('P', "\0INSERT INTO things VALUES (\$1) /*route='extended'*/\0" . pack('n', 0));
	$client->send_message('B', "\0\0" . pack('n n N a1 n', 0, 1, 1, '7', 0));
	$client->send_message('E', "\0" . pack('N', 0));
	$client->send_message('S', '');
	$client->wait_ready;
	is($client->{error}, undef, 'it runs');
	$client->query('SELECT 1');
	$server->until_at_rest($client);
	is($server->of($client, 'opener, tags'), q(INSERT INTO things VALUES ($1) /*route='extended'*/|{"route": "extended"}), 'is known');
	is($server->of($client, 'statements'), '3', 'and counted once');
	$client->quit;
};

subtest 'exempt: listens' => sub {
	my $client = $server->session;
	my @steps = (
		[ 'LISTEN a', 'listens' ],
		[ 'LISTEN a', 'listens' ],
		[ 'UNLISTEN a', 'no' ],
		[ 'BEGIN; LISTEN a; ROLLBACK', 'no' ],
		[ 'BEGIN; LISTEN a; COMMIT', 'listens' ],
		[ 'BEGIN; UNLISTEN a; ROLLBACK', 'listens' ],
		[ 'LISTEN b', 'listens' ],
		[ 'UNLISTEN a', 'listens' ],
		[ 'UNLISTEN nothing', 'listens' ],
		[ 'UNLISTEN b', 'no' ],
		[ 'LISTEN a; LISTEN b', 'listens' ],
		[ 'UNLISTEN *', 'no' ],
		[ 'LISTEN a', 'listens' ],
		[ 'DISCARD ALL', 'no' ],
		[ 'BEGIN; LISTEN a; SAVEPOINT s; LISTEN b; ROLLBACK TO s; COMMIT', 'listens' ],
		[ 'UNLISTEN a', 'no' ],
		[ 'LISTEN a', 'listens' ],
		[ 'BEGIN; SAVEPOINT s; UNLISTEN a; ROLLBACK TO s; COMMIT', 'listens' ],
		[ 'BEGIN; SAVEPOINT s; UNLISTEN a; SAVEPOINT t; LISTEN b; RELEASE t; ROLLBACK TO s; COMMIT', 'listens' ],
		[ 'BEGIN; SAVEPOINT s; LISTEN b; SAVEPOINT t; UNLISTEN a; RELEASE t; RELEASE s; COMMIT', 'listens' ],
		[ 'UNLISTEN b', 'no' ],
		[ 'DO $$ BEGIN LISTEN a; END $$', 'listens' ],
		[ 'UNLISTEN *', 'no' ]);
	my $number = 0;
	for (@steps)
	{
		my ($sql, $exempt) = @$_;
		$number++;
		$client->query($sql);
		$server->until_at_rest($client);
		is($server->of($client, "coalesce(exempt, 'no')"), $exempt, "step $number: $sql");
		is($client->value('SELECT count(*) > 0 FROM pg_listening_channels()'), $exempt eq 'no' ? 'f' : 't', '... and so it is');
	}
	$client->query("LISTEN c$_") for 1 .. 40;
	$client->query("UNLISTEN c$_") for 1 .. 39;
	$server->until_at_rest($client);
	is($server->of($client, 'exempt'), 'listens', 'many channels');
	$client->quit;
};

subtest 'exempt: an advisory lock' => sub {
	$server->thresholds(idle => '1ms', idle_in_transaction => '1ms', never_used => '1ms');
	my $client = $server->session;
	my @steps = (
		[ 'SELECT pg_advisory_lock(5)', 'holds an advisory lock' ],
		[ 'SELECT pg_advisory_unlock(5)', 'no' ],
		[ 'SELECT pg_advisory_lock_shared(5)', 'holds an advisory lock' ],
		[ 'SELECT pg_advisory_unlock_all()', 'no' ],
		[ 'BEGIN; SELECT pg_advisory_xact_lock(5)', 'holds an advisory lock' ],
		[ 'COMMIT', 'no' ]);
	for (@steps)
	{
		my ($sql, $exempt) = @$_;
		$client->query($sql);
		is($server->until_of($client, "coalesce(exempt, 'no')", $exempt), $exempt, $sql);
	}
	$server->thresholds;
	$client->quit;
};

subtest 'who sees what' => sub {
	$admin->query('CREATE ROLE alice LOGIN');
	$admin->query('CREATE ROLE bob LOGIN');
	$admin->query('CREATE ROLE monitor LOGIN IN ROLE pg_monitor');
	$admin->query('GRANT USAGE ON SCHEMA leash TO alice, bob');
	$admin->query('GRANT SELECT ON ALL TABLES IN SCHEMA leash TO alice, bob');
	$admin->query('GRANT EXECUTE ON FUNCTION leash.get_sessions(), leash.get_slow_statements() TO alice, bob');
	$admin->query('ALTER ROLE alice SET pg_leash.slow_statement_threshold = 0');
	$admin->query("ALTER ROLE $_ SET pg_leash.idle_in_transaction_threshold = '1ms'") for qw(alice bob monitor);
	my $victim = $server->session(user => 'alice', host => '127.0.0.1');
	my %reader = map { $_ => $server->session(user => $_) } qw(alice bob monitor);
	$victim->query($_) for 'BEGIN', "SELECT 'private' /*route='r'*/";
	$server->until_at_rest($victim);
	my $session = "SELECT usename, state, opener, last_statement, tags, client_addr, backend_start IS NOT NULL, in_use FROM leash.sessions WHERE pid = $victim->{pid}";
	my $all = q(alice|idle in transaction|SELECT 'private' /*route='r'*/|SELECT 'private' /*route='r'*/|{"route": "r"}|127.0.0.1|t|t);
	is($reader{alice}->value($session), $all, 'the owner sees all of a session');
	is($reader{monitor}->value($session), $all, 'a monitor too');
	is($reader{bob}->value($session), 'alice|||<insufficient privilege>|||f|', 'others see that it is there');
	my $leaks = "SELECT count(*) FROM leash.leaks WHERE pid = $victim->{pid}";
	is($server->value("SET pg_leash.idle_in_transaction_threshold = '1ms'; $leaks"), '1', 'it is a leak');
	is($reader{alice}->value($leaks), '1', '... the owner sees');
	is($reader{monitor}->value($leaks), '1', '... the monitor sees');
	is($reader{bob}->value($leaks), '0', '... others do not');
	my $slow = "SELECT query, tags, client_addr FROM leash.slow_statements WHERE pid = $victim->{pid} ORDER BY finished_at DESC LIMIT 1";
	is($reader{alice}->value($slow), q(SELECT ?|{"route": "r"}|127.0.0.1), 'the owner sees a slow statement');
	is($reader{monitor}->value($slow), $reader{alice}->value($slow), 'a monitor too');
	is($reader{bob}->value($slow), '<insufficient privilege>||', 'others see that there was one');
	$server->thresholds;
	$_->quit for $victim, values %reader;
};

subtest 'passwords' => sub {
	$admin->query('CREATE ROLE secret');
	my $client = $server->session;
	my $hidden = '<not stored: could carry a password>';
	my $last = "coalesce(last_statement, '-')";
	my @statements = (
		"ALTER ROLE secret PASSWORD 'geheim'",
		"SELECT 1; ALTER ROLE secret PASSWORD 'geheim'; SELECT 2",
		"ALTER ROLE nobody_there PASSWORD 'geheim'",
		"ALTER ROLE secret PASSWORD 'geheim' nonsense",
		"DO \$\$ BEGIN EXECUTE 'ALTER ROLE secret PASS' || 'WORD ''geheim'''; END \$\$",
		"BEGIN; DO \$\$ BEGIN EXECUTE 'ALTER ROLE secret PASS' || 'WORD ''geheim'''; END \$\$");
	for my $sql (@statements)
	{
		$client->try($sql);
		$server->until_at_rest($client);
		is($server->of($client, $last), $hidden, "last statement: $sql");
		is($server->of($client, "coalesce(opener, '-')"), $sql =~ /^BEGIN/ ? $hidden : '-', '... and the opener');
	}
	is($server->terminate($client), 'ended', 'ended in that transaction');
	unlike($client->last_words->{D}, qr/geheim/, 'the secret is not in what the victim is told');

	$client = $server->session;
	$client->query('SET pg_leash.slow_statement_threshold = 0');
	# sent in parts, as drivers do; nothing shows between the parts
	my @parts = (
		[ 'P', "\0ALTER ROLE secret PASSWORD 'geheim'\0" . pack('n', 0) ],
		[ 'B', "\0\0" . pack('n n n', 0, 0, 0) ],
		[ 'E', "\0" . pack('N', 0) ]);
	for my $part (@parts)
	{
		$client->send_message(@$part);
		$client->send_message('H', '');
		$client->wait_ready({ P => '1', B => '2', E => 'C' }->{ $part->[0] });
		is($server->of($client, $last), $hidden, "last statement after $part->[0]");
	}
	$client->send_message('S', '');
	$client->wait_ready;
	$server->until_at_rest($client);
	is($server->of($client, $last), $hidden, 'last statement after Sync');
	is($server->value("SELECT count(*) FROM leash.slow_statements WHERE query ~ 'geheim'"), '0', 'no slow statement has it');
	is($server->value("SELECT count(*) > 0 FROM leash.slow_statements WHERE pid = $client->{pid} AND query = '$hidden'"), 't', 'though it was recorded');
	$client->query('SELECT 1');
	$server->until_at_rest($client);
	is($server->of($client, $last), 'SELECT 1', 'the next one shows again');
	$client->quit;
};

subtest 'what is no session' => sub {
	my $walsender = $server->session(params => { replication => 'true' });
	$server->until("SELECT count(*) FROM pg_stat_activity WHERE pid = $walsender->{pid} AND backend_type = 'walsender'", '1');
	is($server->value("SELECT count(*) FROM leash.sessions WHERE pid = $walsender->{pid}"), '0', 'a walsender');
	$walsender->quit;
	$admin->query('CREATE TABLE many AS SELECT generate_series(1, 200000) AS id');
	$admin->query('ANALYZE many');
	my $before = $server->value('SELECT opened_total FROM leash.connections');
	my $parallel = $server->session;
	$parallel->query('SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0');
	like($parallel->value('EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT count(*) FROM many'), qr/Workers Launched: [12]/, 'a parallel query');
	$parallel->query('SELECT count(*) FROM many');
	$server->until_at_rest($parallel);
	is($server->of($parallel, 'statements'), '6', 'its workers\' statements are not counted');
	is($server->value('SELECT opened_total FROM leash.connections') - $before, 1, 'its workers are no sessions');
	$parallel->quit;
};

done_testing();
