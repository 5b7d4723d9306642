# Policies reach the worker when they are committed, and the last good ones stay in
# force when their table cannot be read.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClerkTest;
use PostgreSQL::Test::Utils;
use Test::More;

# Nobody looks by himself: what comes into force does so because the commit says so.
my $server = ClerkTest->start('policies',
	conf => [ "pg_leash.check_interval = '1h'", 'restart_after_crash = on', 'max_prepared_transactions = 2' ]);
my $node = $server->node;
my $admin = $server->{admin};

sub check_interval
{
	my ($value) = @_;
	$admin->query("ALTER SYSTEM SET pg_leash.check_interval = '$value'");
	$admin->query('SELECT pg_reload_conf()');
	return;
}

subtest 'what is committed comes into force' => sub {
	$server->in_force('', 'none at first');
	$server->policy('b');
	$server->in_force('b', 'INSERT');
	$server->policy('a');
	$server->policy('first', priority => -1);
	$server->policy('last', priority => 1000, enabled => 'false');
	$server->in_force('first a b', 'in order of priority and name; what is not enabled is not there');
	$admin->query("UPDATE leash.policies SET enabled = true WHERE name = 'last'");
	$server->in_force('first a b last', 'UPDATE');
	$admin->query('BEGIN');
	$admin->query("DELETE FROM leash.policies WHERE name = 'first'");
	$admin->query('ROLLBACK');
	$admin->query('BEGIN');
	$admin->query('SAVEPOINT s');
	$admin->query("DELETE FROM leash.policies WHERE name = 'a'");
	$admin->query('ROLLBACK TO s');
	$admin->query("DELETE FROM leash.policies WHERE name = 'last'");
	is($server->value($ClerkTest::names), 'first a b last', 'not before the commit');
	$admin->query('COMMIT');
	$server->in_force('first a b', 'what was rolled back stays');
	$admin->query("DO \$\$ BEGIN DELETE FROM leash.policies WHERE name = 'a'; END \$\$");
	$server->in_force('first b', 'from a function');
	$admin->query("SET session_replication_role = replica; DELETE FROM leash.policies WHERE name = 'b'; RESET session_replication_role");
	$server->in_force('first', 'from what applies changes of another server');
	$admin->query('TRUNCATE leash.policies');
	$server->in_force('', 'TRUNCATE');
	is($server->value("SELECT policies, policies_loaded_at > backend_start, policies_error FROM leash.worker, pg_stat_activity WHERE pg_stat_activity.pid = pg_backend_pid()"),
		'0|t|', 'the worker tells when they were read');
};

subtest 'as they are written' => sub {
	$server->policy('x', mode => "'enforce'", action => "'terminate'", priority => 7);
	is($server->until('SELECT * FROM leash.policies_in_force', '1|x|7|observe|terminate'), '1|x|7|observe|terminate', 'bounded by pg_leash.reaping');
	for my $bound (qw(enforce off))
	{
		$admin->query("ALTER SYSTEM SET pg_leash.reaping = $bound");
		$admin->query('SELECT pg_reload_conf()');
		is($server->until('SELECT mode FROM leash.policies_in_force', $bound), $bound, $bound);
	}
	$admin->query('ALTER SYSTEM RESET pg_leash.reaping');
	$admin->query('SELECT pg_reload_conf()');
	$admin->query("UPDATE leash.policies SET mode = 'observe', name = 'y'");
	$server->in_force('y', 'another name');
};

subtest 'a prepared transaction' => sub {
	$admin->query('BEGIN');
	$server->policy('hidden');
	is($admin->sqlstate("PREPARE TRANSACTION 'p'"), '0A000', 'cannot hide a change');
	$admin->query('BEGIN');
	$admin->query('CREATE TABLE plain (a integer)');
	$admin->query("PREPARE TRANSACTION 'p'");
	$admin->query("COMMIT PREPARED 'p'");
	$admin->query('DROP TABLE plain');
	pass('but may do anything else');
};

subtest 'a new worker, and a new server' => sub {
	$admin->query('SELECT pg_terminate_backend(pid) FROM leash.worker');
	$server->in_force('y', 'stay without a worker');
	$server->until('SELECT running FROM leash.worker', 't');
	$server->policy('z');
	$server->in_force('y z', 'a new worker goes on');
	$node->restart;
	$server->connect_admin;
	$admin = $server->{admin};
	$server->in_force('y z', 'read at server start');
	my $victim = $server->session;
	kill 'KILL', $victim->{pid};
	$admin->last_words;
	$server->connect_admin;
	$admin = $server->{admin};
	$server->in_force('y z', 'read after a crash');
	$admin->query("DELETE FROM leash.policies WHERE name = 'y'");
	$server->in_force('z', 'and read again');
};

check_interval('100ms');

subtest 'a locked table' => sub {
	$server->log_from;
	my $writer = $server->session;
	$writer->query('BEGIN');
	$server->policy('late', client => $writer);
	my $locker = $server->session;
	$locker->query('BEGIN');
	$locker->send_query('LOCK leash.policies IN ACCESS EXCLUSIVE MODE');
	$server->until("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $locker->{pid}", '1');
	$writer->query('COMMIT');
	$locker->wait_ready;
	$server->error_is('table leash.policies is locked', 'is said');
	is($server->value($ClerkTest::names), 'z', 'and the last good ones stay');
	like($server->value("SELECT status, message FROM leash.health() WHERE \"check\" = 'policies'"),
		qr/^warning\|.*table leash.policies is locked/, 'health');
	# many more tries
	$server->await_rounds(20);
	is($server->value($ClerkTest::names), 'z', 'for as long as it takes');
	$locker->query('COMMIT');
	$server->in_force('late z', 'until it can be read');
	$server->error_is('', 'then all is well');
	is($server->log_count(qr/table leash\.policies is locked/), 1, 'it was logged once');
	$admin->query("DELETE FROM leash.policies WHERE name = 'late'");
};

# What makes the table unreadable, how to undo it, and what is said.
sub unreadable
{
	my ($do, $undo, $reason, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$server->log_from;
	$server->in_force('z', "$name: before");
	$admin->query($do);
	my $match = "SELECT policies_error ~ \$re\$$reason\$re\$ FROM leash.worker";
	is($server->until($match), 't', "$name: said") or diag($server->value($ClerkTest::error));
	is($server->value($ClerkTest::names), 'z', "$name: the last good ones stay");
	$server->await_rounds(5);
	is($server->log_count(qr/LOG:  pg_leash could not read its policies/), 1, "$name: logged once");
	$admin->query($undo);
	$server->error_is('', "$name: mended");
	return;
}

$admin->query('CREATE ROLE plain');
subtest 'a table that is gone or broken' => sub {
	unreadable('ALTER TABLE leash.policies RENAME TO other', 'ALTER TABLE leash.other RENAME TO policies', 'table leash.policies does not exist', 'renamed');
	unreadable('ALTER TABLE leash.policies SET SCHEMA public', 'ALTER TABLE public.policies SET SCHEMA leash', 'table leash.policies does not exist', 'moved');
	unreadable('ALTER TABLE leash.policies RENAME COLUMN kinds TO kind', 'ALTER TABLE leash.policies RENAME COLUMN kind TO kinds', 'has no column "kinds"', 'column renamed');
	unreadable('ALTER TABLE leash.policies ALTER priority TYPE bigint', 'ALTER TABLE leash.policies ALTER priority TYPE integer',
		'column "priority" of leash.policies has type bigint, but should have integer', 'another type');
	unreadable(q{ALTER TABLE leash.policies DISABLE TRIGGER USER; UPDATE leash.policies SET kinds = '{nonsense}';
		ALTER TABLE leash.policies ENABLE TRIGGER USER}, q{UPDATE leash.policies SET kinds = '{unused}'},
		'invalid value for column "kinds" of policy "z": "nonsense"', 'a row that makes no sense');
};

subtest 'a table that is not to be trusted' => sub {
	my $distrust = 'table leash.policies is not to be trusted: ';
	unreadable('ALTER TABLE leash.policies OWNER TO plain', 'ALTER TABLE leash.policies OWNER TO postgres', $distrust . 'its owner "plain" is no superuser', 'owner');
	unreadable('ALTER TABLE leash.policies ENABLE ROW LEVEL SECURITY', 'ALTER TABLE leash.policies DISABLE ROW LEVEL SECURITY', $distrust . 'it has row security', 'row security');
	unreadable('CREATE RULE r AS ON INSERT TO leash.policies DO ALSO NOTHING', 'DROP RULE r ON leash.policies', $distrust . 'it has rules', 'rule');
	unreadable('ALTER TABLE leash.policies DISABLE TRIGGER check_policy', 'ALTER TABLE leash.policies ENABLE ALWAYS TRIGGER check_policy',
		$distrust . 'the trigger that checks its rows is missing', 'no check');
	$admin->query('CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$');
	unreadable('CREATE TRIGGER t BEFORE UPDATE ON leash.policies FOR EACH ROW EXECUTE FUNCTION t()', 'DROP TRIGGER t ON leash.policies',
		$distrust . 'its trigger "t" is not part of pg_leash', 'foreign trigger');
	unreadable('ALTER EXTENSION pg_leash DROP TABLE leash.policies', 'ALTER EXTENSION pg_leash ADD TABLE leash.policies',
		$distrust . 'it is not part of extension pg_leash', 'not of the extension');
	unreadable('ALTER TABLE leash.policies RENAME TO other; CREATE TABLE leash.policies (LIKE leash.other)',
		'DROP TABLE leash.policies; ALTER TABLE leash.other RENAME TO policies', $distrust . 'it is not part of extension pg_leash', 'another table');
};

subtest 'an extension that is gone' => sub {
	$server->log_from;
	$admin->query('DROP EXTENSION pg_leash');
	$admin->query('CREATE FUNCTION in_force(OUT rank integer, OUT name text, OUT priority integer, OUT mode text, OUT action text)
		RETURNS SETOF record LANGUAGE C STRICT AS \'pg_leash\', \'leash_get_policies_in_force\'');
	is($server->until('SELECT count(*) FROM in_force()', '0'), '0', 'no policies are in force');
	my $said = qr/LOG:  pg_leash has no policies: extension pg_leash is not installed in database "postgres"/;
	usleep_until(sub { $server->log_count($said) > 0 });
	is($server->log_count($said), 1, 'said once');
	$admin->query('CREATE EXTENSION pg_leash');
	$server->policy('again');
	$server->in_force('again', 'it comes back');
	$server->error_is('', 'and nothing is wrong');
	is($server->log_count($said), 1, 'it was said once');
};

sub usleep_until
{
	my ($condition) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if $condition->();
		Time::HiRes::usleep(100_000);
	}
	return 0;
}

subtest 'warnings about the sessions of now' => sub {
	$admin->query('ALTER ROLE plain LOGIN');
	$admin->query('GRANT USAGE ON SCHEMA leash TO plain');
	$admin->query('GRANT INSERT, SELECT, UPDATE, DELETE ON leash.policies TO plain');
	my $warns = sub {
		my ($client, $expected, $name, %column) = @_;
		$server->policy('w', client => $client, %column);
		is($client->notices, $expected, $name);
		$client->query("DELETE FROM leash.policies WHERE name = 'w'");
		is($client->notices, '', "$name: none for DELETE");
	};
	my $none = 'policy "w" matches none of the sessions of now';
	my $own = 'policy "w" matches the session that writes it';
	$warns->($admin, $none, 'a superuser alone: not within reach');
	$warns->($admin, $own, 'within reach', include_superusers => 'true');
	$warns->($admin, '', 'what is not enabled', enabled => 'false', include_superusers => 'true');
	my $plain = $server->session(user => 'plain');
	$warns->($plain, $own, 'the session that writes');
	$warns->($admin, '', 'another session');
	$warns->($plain, $none, 'an application that is not there', applications => q{'{web-*}'});
	$warns->($plain, $none, 'a role that is not there', roles => q{'{nobody}'});
	$warns->($plain, $none, 'a database that is not there', databases => q{'{nowhere}'});
	$warns->($plain, $none, 'an address that is not there', addresses => q{'{10.0.0.0/8}'});
	my @web = map { $server->session(user => 'plain', params => { application_name => "web-$_" }) } 1 .. 2;
	$warns->($plain, '', 'half of the sessions', applications => q{'{web-*}'});
	push @web, $server->session(user => 'plain', params => { application_name => 'web-3' });
	$warns->($plain, 'policy "w" matches 3 of the 5 sessions of now', 'more than half of them', applications => q{'{web-*}'});
	$warns->($plain, '', 'spared', applications => q{'{web-*}'}, action => q{'spare'});
	$warns->($plain, $none, 'none to be spared', applications => q{'{job}'}, action => q{'spare'});
	my $tool = $server->session(user => 'plain', params => { application_name => 'pgleash' });
	$warns->($plain, 'policy "w" matches sessions of pgleash', 'the tool', applications => q{'{pg*}'});
	$server->policy('w', applications => q{'{web-*}'});
	$plain->query("UPDATE leash.policies SET applications = '{job}' WHERE name = 'w'");
	is($plain->notices, $none, 'UPDATE warns too');
	$plain->query("INSERT INTO leash.policies (name, kinds, applications) VALUES ('v', '{unused}', '{job1}'), ('w', '{unused}', '{job2}')
		ON CONFLICT (name) DO UPDATE SET applications = excluded.applications");
	is(join("\n", sort split /\n/, $plain->notices), join("\n", sort 'policy "v" matches none of the sessions of now', $none), 'and an upsert, about each row once');
};

done_testing();
