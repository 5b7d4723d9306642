# The database that pg_leash.database names: it may be missing, come and go, be copied
# and renamed, and whoever does that never meets the clerk.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClerkTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = ClerkTest->start('database', conf => [ "pg_leash.check_interval = '100ms'", "pg_leash.database = 'ops'" ]);
my $node = $server->node;
my $admin = $server->{admin};
my $missing = qr/LOG:  pg_leash has no policies: database "ops", which pg_leash\.database names, does not exist/;

sub missing_is
{
	my ($name, $says) = @_;
	return $server->error_is(qq{database "$name", which pg_leash.database names, } . ($says // 'does not exist'), "$name: missing");
}

# A session in a database that has the extension.
sub make
{
	my ($name) = @_;
	$admin->query("CREATE DATABASE $name");
	my $client = $server->session(dbname => $name);
	$client->query('CREATE EXTENSION pg_leash');
	return $client;
}

# Waits until no process is connected to a database.
sub leave
{
	my ($client, $name) = @_;
	$client->quit;
	$server->until("SELECT count(*) FROM pg_stat_activity WHERE datname = '$name' AND backend_type = 'client backend'", '0');
	return;
}

subtest 'missing' => sub {
	missing_is('ops');
	$server->await_rounds(20);
	is($server->log_count($missing), 1, 'said once, not with each try');
	is($server->log_count(qr/FATAL/), 0, 'nobody tried to connect to it');
	is($server->value('SELECT running, errors FROM leash.worker'), 't|0', 'the worker goes on');
	$server->policy('elsewhere');
	is($admin->notices, 'policies in database "postgres" are not in force', 'who writes them elsewhere is told');
	is($admin->{notices}[0]{D}, 'The setting pg_leash.database names the database whose policies are: "ops".', 'and where they belong');
	is($server->value($ClerkTest::names), '', 'they are not in force');
};

subtest 'it comes' => sub {
	$admin->query('CREATE DATABASE ops');
	$server->error_is('extension pg_leash is not installed in database "ops", which pg_leash.database names', 'seen at once, without the extension');
	my $ops = $server->session(dbname => 'ops');
	$ops->query('CREATE EXTENSION pg_leash');
	$server->policy('x', client => $ops);
	unlike($ops->notices, qr/not in force/, 'the right database');
	$server->in_force('x', 'in force');
	$server->error_is('', 'nothing is wrong');
	leave($ops, 'ops');
};

subtest 'nobody meets the clerk' => sub {
	for my $round (1 .. 10)
	{
		my $ops = $server->session(dbname => 'ops');
		$ops->query("UPDATE leash.policies SET priority = $round");
		leave($ops, 'ops');
		$admin->query('CREATE DATABASE copy TEMPLATE ops');
		$admin->query('ALTER DATABASE ops RENAME TO moved');
		$admin->query('ALTER DATABASE moved RENAME TO ops');
		$admin->query('DROP DATABASE copy');
	}
	$server->in_force('x', 'a template, renamed and back, ten times while policies change');
	is($server->until('SELECT priority FROM leash.policies_in_force', '10'), '10', 'and the last change is in force');
	is($server->value("SELECT count(*) FROM pg_stat_activity WHERE datname = 'ops'"), '0', 'nobody is connected to it');
};

subtest 'settings of the database' => sub {
	$admin->query("ALTER DATABASE ops SET $_") for 'default_transaction_isolation = serializable', 'default_transaction_read_only = on',
		'search_path = nowhere', 'statement_timeout = 1', 'row_security = off', 'lock_timeout = 1';
	my $ops = $server->session(dbname => 'ops');
	$ops->query('SET statement_timeout = 0; SET default_transaction_read_only = off');
	$server->policy('y', client => $ops);
	$server->in_force('x y', 'are not for the clerk');
	leave($ops, 'ops');
	$admin->query('ALTER DATABASE ops RESET ALL');
	$admin->query('ALTER DATABASE ops CONNECTION LIMIT 0');
	$ops = $server->session(dbname => 'ops');
	$ops->query("DELETE FROM leash.policies WHERE name = 'y'");
	$server->in_force('x', 'nor its connection limit');
	$admin->query('ALTER DATABASE ops ALLOW_CONNECTIONS false');
	$ops->query('UPDATE leash.policies SET name = $$shut$$');
	$server->in_force('shut', 'nor that it allows none');
	leave($ops, 'ops');
	$admin->query('ALTER DATABASE ops ALLOW_CONNECTIONS true CONNECTION LIMIT -1');
};

subtest 'renamed, and another name' => sub {
	$admin->query('ALTER DATABASE ops RENAME TO moved');
	missing_is('ops');
	$server->in_force('', 'what is in another database is not in force');
	$admin->query("ALTER SYSTEM SET pg_leash.database = 'moved'");
	$admin->query('SELECT pg_reload_conf()');
	$server->in_force('shut', 'after a reload that names it');
	$admin->query("ALTER SYSTEM SET pg_leash.database = 'postgres'");
	$admin->query('SELECT pg_reload_conf()');
	$server->in_force('elsewhere', 'and after one that names another');
	$admin->query('ALTER SYSTEM RESET pg_leash.database');
	$admin->query('SELECT pg_reload_conf()');
	missing_is('ops');
	$admin->query('ALTER DATABASE moved RENAME TO ops');
	$server->in_force('shut', 'back');
};

subtest 'dropped' => sub {
	$server->log_from;
	$admin->query('DROP DATABASE ops');
	missing_is('ops');
	$server->in_force('', 'its policies are gone');
	$server->await_rounds(20);
	is($server->log_count($missing), 1, 'said once');
	is($server->log_count(qr/FATAL/), 0, 'and nobody tried to connect');
	my $ops = make('ops');
	$server->policy('new', client => $ops);
	$server->in_force('new', 'it comes back');
	$ops->send_query('SELECT pg_sleep(1000)');
	$admin->query('DROP DATABASE ops WITH (FORCE)');
	$server->in_force('', 'dropped by force');
	# one that no statement creates
	$admin->query('CREATE DATABASE unnoticed');
	missing_is('ops');
	$admin->query("UPDATE pg_database SET datname = 'ops' WHERE datname = 'unnoticed'");
	$server->error_is('extension pg_leash is not installed in database "ops", which pg_leash.database names', 'seen, though nobody tells');
	$admin->query('DROP DATABASE ops');
	# what is left when a server is stopped in the middle of it
	$admin->query("UPDATE pg_database SET datconnlimit = -2 WHERE oid = (SELECT oid FROM pg_database WHERE datname = 'template1')");
	$admin->query("ALTER SYSTEM SET pg_leash.database = 'template1'");
	$admin->query('SELECT pg_reload_conf()');
	missing_is('template1', 'is what an interrupted DROP DATABASE left');
	$admin->query("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'template1'");
};

subtest 'dumps restore anywhere' => sub {
	my $shop = make('shop');
	$shop->query("INSERT INTO leash.policies (name, priority, mode, roles, addresses, states, idle_for, keep, include_superusers, comment, action)
		VALUES ('kept', 3, 'enforce', '{a,\"b c\"}', '{10.0.0.0/8,local}', '{idle}', '90 s', 2, true, 'why', 'terminate'),
		('off', 4, 'observe', NULL, NULL, NULL, '1 h', NULL, false, NULL, 'log')");
	$shop->query("UPDATE leash.policies SET enabled = false WHERE name = 'off'");
	my $content = 'SELECT md5(string_agg(p::text, $$,$$ ORDER BY name)) FROM leash.policies p';
	my $expected = $shop->value($content);
	my $file = $PostgreSQL::Test::Utils::tmp_check . '/shop.sql';
	my @restore = ('psql', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1', '--quiet', '--file', $file, 'postgres');
	$node->command_ok([ 'pg_dump', '--create', '--file', $file, 'shop' ], 'dumped');
	leave($shop, 'shop');
	my $plain = ClerkTest->start('plain', preload => 0);
	$plain->node->command_ok(\@restore, 'restored where the library is not preloaded');
	my $there = $plain->session(dbname => 'shop');
	is($there->value($content), $expected, 'as they were');
	is($there->sqlstate("INSERT INTO leash.policies (name, kinds) VALUES ('x', '{nonsense}')"), '22023', 'checked there too');
	is($there->sqlstate("INSERT INTO leash.policies (name, kinds) SELECT 'p' || i, '{unused}' FROM generate_series(1, 100) i"), '54000', 'and counted');
	is($there->sqlstate('SELECT * FROM leash.policies_in_force'), '55000', 'but none is in force');
	$admin->query('DROP DATABASE shop');
	$admin->query("ALTER SYSTEM SET pg_leash.database = 'shop'");
	$admin->query('SELECT pg_reload_conf()');
	missing_is('shop');
	$node->command_ok(\@restore, 'restored where it is');
	$server->in_force('kept', 'and in force at once');
	$node->command_ok([ 'pg_dump', '--data-only', '--disable-triggers', '--file', $file, 'shop' ], 'the data alone');
	my $again = $server->session(dbname => 'shop');
	$again->query('TRUNCATE leash.policies');
	$server->in_force('', 'none');
	$restore[-1] = 'shop';
	$node->command_ok(\@restore, 'restored without triggers');
	$server->in_force('kept', 'and in force');
};

subtest 'logical replication' => sub {
	my $publisher = ClerkTest->start('publisher', init => { allows_streaming => 'logical' });
	$publisher->{admin}->query('CREATE PUBLICATION policies FOR TABLE leash.policies');
	my $subscriber = ClerkTest->start('subscriber', conf => [ "pg_leash.check_interval = '1h'" ]);
	$publisher->policy('copied');
	$subscriber->{admin}->query(sprintf q{CREATE SUBSCRIPTION policies CONNECTION '%s' PUBLICATION policies}, $publisher->node->connstr('postgres') =~ s/'/''/gr);
	$subscriber->in_force('copied', 'what is copied at first is in force');
	$publisher->policy('streamed');
	$subscriber->in_force('copied streamed', 'and what comes later');
	$publisher->{admin}->query("DELETE FROM leash.policies WHERE name = 'copied'");
	$subscriber->in_force('streamed', 'and what goes');
	$publisher->{admin}->query('TRUNCATE leash.policies');
	$subscriber->in_force('', 'all of it');

	# processes that are no client's session change policies too
	my $walsender = $publisher->session(params => { replication => 'database' });
	$walsender->query("INSERT INTO leash.policies (name, kinds) VALUES ('sent', '{unused}')");
	$publisher->in_force('sent', 'by a walsender');
	$walsender->query('DROP EXTENSION pg_leash');
	$walsender->query('CREATE EXTENSION pg_leash');
	$publisher->in_force('', 'and what it does to the extension');
};

subtest 'no process left for a clerk' => sub {
	my $full = ClerkTest->start('full', conf => [ "pg_leash.check_interval = '100ms'", 'max_worker_processes = 2' ]);
	$full->error_is('no background worker slot is free (max_worker_processes)', 'said');
	$full->await_rounds(20);
	is($full->log_count(qr/no background worker slot is free/), 1, 'once');
	is($full->value('SELECT running, errors FROM leash.worker'), 't|0', 'the worker goes on');
};

done_testing();
