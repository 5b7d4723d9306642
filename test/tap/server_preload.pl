# Without preload: the extension can be made, and says what is missing.  Dumps can be
# restored anywhere, and databases dropped.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('without', preload => 0);
my $node = $server->node;

# Everything that needs shared memory says the same.
sub all_refuse
{
	my ($client, $when) = @_;
	for my $sql (
		'SELECT * FROM leash.sessions', 'SELECT * FROM leash.leaks',
		'SELECT * FROM leash.leak_groups', 'SELECT * FROM leash.slow_statements',
		'SELECT * FROM leash.connections', 'SELECT leash.get_sessions()',
		'SELECT leash.get_slow_statements()', 'SELECT leash.get_connections()',
		"SELECT leash.terminate('1.1')", "SELECT leash.cancel('1.1')",
		'SELECT leash.terminate(NULL)', 'SELECT leash.reset()')
	{
		is($client->sqlstate($sql), '55000', "$when: $sql");
	}
	is($client->{error}{M}, 'pg_leash must be loaded via "shared_preload_libraries"', "$when: says what is missing");
	like($client->{error}{H}, qr/shared_preload_libraries.*restart the server/, "$when: and what to do");
	is($client->value('SELECT leash.library_version()'), '1.1', "$when: the library's version is known");
	ok($client->alive, "$when: nothing worse happens");
	return;
}

subtest 'CREATE EXTENSION without preload' => sub {
	is($server->value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'leash'::regnamespace"),
		$server->value("SELECT count(*) FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND e.extname = 'pg_leash'
			WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'"), 'works');
	all_refuse($server->session, 'no preload');
};

subtest 'loaded later' => sub {
	my $client = $server->session;
	$client->query("LOAD 'pg_leash'");
	is($client->value('SELECT 1'), '1', 'LOAD is harmless');
	all_refuse($client, 'LOAD');
	$client->query("LOAD 'pg_leash'");
	$server->{admin}->query("ALTER SYSTEM SET session_preload_libraries = 'pg_leash'");
	$server->{admin}->query('SELECT pg_reload_conf()');
	$server->until("SELECT setting FROM pg_settings WHERE name = 'session_preload_libraries'", 'pg_leash');
	$client = $server->session;
	$client->query('SELECT 1') until $client->value('SHOW session_preload_libraries') eq 'pg_leash';
	$client = $server->session;
	is($client->value('SHOW session_preload_libraries'), 'pg_leash', 'session_preload_libraries');
	$client->query('BEGIN; SELECT 1; ROLLBACK');
	$client->try('SELECT 1 / 0');
	all_refuse($client, 'session_preload_libraries');
	$client->quit;
	ok($server->session(user => 'nobody_there')->{error}, 'a refused connection is harmless too');
	$server->{admin}->query('ALTER SYSTEM RESET session_preload_libraries');
	$server->{admin}->query('SELECT pg_reload_conf()');
};

subtest 'dump and restore' => sub {
	my $full = LeashTest->start('full');
	my $admin = $full->{admin};
	$admin->query('CREATE ROLE auditor');
	$server->{admin}->query('CREATE ROLE auditor');
	$admin->query('CREATE DATABASE shop');
	my $shop = $full->session(dbname => 'shop');
	$shop->query('CREATE EXTENSION pg_leash');
	$shop->query('CREATE TABLE orders AS SELECT 1 AS id');
	$shop->query('GRANT SELECT ON leash.sessions TO auditor');
	$shop->query('GRANT EXECUTE ON FUNCTION leash.get_sessions() TO auditor');
	$shop->query('CREATE VIEW my_sessions AS SELECT session_id, state FROM leash.sessions');
	$shop->query("ALTER DATABASE shop SET pg_leash.slow_statement_threshold = '5s'");
	$shop->quit;
	my $file = $PostgreSQL::Test::Utils::tmp_check . '/shop.sql';
	$full->node->command_ok([ 'pg_dump', '--create', '--file', $file, 'shop' ], 'dumped from a server that has it preloaded');
	$node->command_ok([ 'psql', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1', '--quiet', '--file', $file, 'postgres' ],
		'restored into a server that has not');
	my $restored = $server->session(dbname => 'shop');
	is($restored->value('SELECT id FROM orders'), '1', 'what was in it is there');
	is($restored->value("SELECT has_function_privilege('auditor', 'leash.get_sessions()', 'EXECUTE'), has_function_privilege('auditor', 'leash.reset(text)', 'EXECUTE')"),
		't|f', 'and privileges');
	all_refuse($restored, 'restored');
	$restored->quit;

	# and back, into one that has it
	$admin->query('DROP DATABASE shop');
	$node->command_ok([ 'pg_dump', '--create', '--file', $file, 'shop' ], 'dumped without preload');
	$full->node->command_ok([ 'psql', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1', '--quiet', '--file', $file, 'postgres' ], 'restored with preload');
	my $again = $full->session(dbname => 'shop');
	is($again->value('SELECT count(*) FROM my_sessions'), '2', 'and works');
	is($again->value('SHOW pg_leash.slow_statement_threshold'), '5s', 'with its setting');
	$again->quit;

	# a database can be dropped while others are watched, and after it was itself
	my $watcher = $full->session;
	$watcher->query('BEGIN; SELECT count(*) FROM leash.sessions');
	my $last = $full->session(dbname => 'shop');
	$last->query('SET pg_leash.slow_statement_threshold = 0');
	$last->query("SELECT 1 AS slow");
	my $pid = $last->{pid};
	$last->quit;
	$full->until("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", '0');
	$admin->query('DROP DATABASE shop');
	pass('a database can be dropped');
	is($full->value("SELECT coalesce(datname, 'no name'), query FROM leash.slow_statements WHERE pid = $pid AND query ~ 'SELECT'"),
		"no name|SELECT ? AS slow", 'what was slow there is still known');
	$admin->query('CREATE ROLE leaver LOGIN');
	$admin->query('ALTER ROLE leaver SET pg_leash.slow_statement_threshold = 0');
	my $leaver = $full->session(user => 'leaver');
	$leaver->query("SELECT 1 AS leaves");
	$admin->query('DROP ROLE leaver');
	is($full->value("SELECT coalesce(usename, 'no name') FROM leash.sessions WHERE pid = $leaver->{pid}"), 'no name', 'a role that is gone');
	is($full->value("SELECT coalesce(usename, 'no name') FROM leash.slow_statements WHERE query = 'SELECT ? AS leaves'"), 'no name', 'of a slow statement too');
	$full->until_at_rest($leaver);
	is($full->terminate($leaver), 'ended', 'whose session can be ended');
	is($full->value("SELECT count(*) FROM leash.leaks"), '0', 'the views answer');
};

done_testing();
