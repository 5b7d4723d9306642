# The background worker: that it runs and goes on running, stands in nobody's way, says
# what failed, and samples what it is there to sample.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use LeashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start(
	'worker',
	init => { allows_streaming => 1 },
	conf => [
		'restart_after_crash = on', 'max_connections = 12', 'superuser_reserved_connections = 0',
		"pg_leash.check_interval = '100ms'", "pg_leash.sample_interval = '10ms'" ]);
my $node = $server->node;
my $admin = $server->{admin};

# Waits until the worker has judged and sampled $more times; true if it did.
sub goes_on
{
	my ($at, $more) = @_;
	$at //= $server;
	$more //= 3;
	my ($rounds, $samples) = split /\|/, $at->value('SELECT rounds, samples FROM leash.worker');
	return $at->until("SELECT rounds >= $rounds + $more AND samples >= $samples + $more FROM leash.worker") eq 't';
}

sub goes_on_sampling
{
	my $samples = $server->value('SELECT samples FROM leash.worker');
	return $server->until("SELECT samples >= $samples + 2 FROM leash.worker") eq 't';
}

sub pid
{
	return $server->value('SELECT pid FROM leash.worker');
}

sub reload
{
	my (%setting) = @_;
	for my $name (sort keys %setting)
	{
		$admin->query(defined $setting{$name} ? "ALTER SYSTEM SET pg_leash.$name = '$setting{$name}'" : "ALTER SYSTEM RESET pg_leash.$name");
	}
	$admin->query('SELECT pg_reload_conf()');
	return;
}

sub health
{
	my ($check, $columns) = @_;
	return $server->value("SELECT $columns FROM leash.health() WHERE \"check\" = '$check'");
}

subtest 'it runs' => sub {
	ok(goes_on(), 'samples and judges');
	is($server->value("SELECT datname IS NULL, backend_type, query FROM pg_stat_activity WHERE pid = " . pid()),
		't|pg_leash|pg_leash: judging sessions', 'connected to no database');
	is($server->value('SELECT used, authenticating, free FROM leash.connections'), '1|0|11', 'takes no connection slot');
	is($server->value('SELECT count(*) FROM leash.sessions'), '1', 'and is no session');
	my @client = map { $server->session } 1 .. 11;
	is(scalar(grep { !$_->{error} } @client), 11, 'every slot can be taken');
	ok(goes_on(), 'it runs on a full server too');
	is(health('connections', 'status, value'), 'critical|1', 'which is critical');
	is($server->session->{error}{C}, '53300', 'one more is refused');
	is(health('refused', 'status, value'), 'warning|1', 'which is told too');
	$_->quit for @client;
	$admin->query("SELECT leash.reset('connections')");
	is(health('refused', 'status, value'), 'ok|0', 'and forgotten');
	$server->until("SELECT used, (SELECT in_use_peak FROM leash.worker) FROM leash.connections", '1|1');
};

# Whoever keeps a database or its files from going would show here.
subtest 'it stands in nobody\'s way' => sub {
	my $space = $node->basedir . '/space';
	mkdir $space;
	$admin->query("CREATE TABLESPACE space LOCATION '$space'");
	for (1 .. 3)
	{
		$admin->query('CREATE DATABASE other');
		$admin->query('ALTER DATABASE other SET TABLESPACE space');
		$admin->query('ALTER DATABASE other SET TABLESPACE pg_default');
		$admin->query('CREATE DATABASE copy TEMPLATE other');
		$admin->query('DROP DATABASE copy');
		$admin->query('DROP DATABASE other');
	}
	$admin->query('DROP TABLESPACE space');
	pass('databases are made, moved, copied and dropped');
	ok(goes_on(), 'and it goes on');
};

subtest 'reload' => sub {
	reload(check_interval => '1h', sample_interval => '1s');
	$server->until("SELECT current_setting('pg_leash.check_interval')", '1h');
	my $rounds = $server->value('SELECT rounds FROM leash.worker');
	# Not before it has read the settings, and then not for an hour.
	my $samples = $server->value('SELECT samples FROM leash.worker');
	$server->until("SELECT samples > $samples + 1 FROM leash.worker");
	cmp_ok($server->value('SELECT rounds FROM leash.worker'), '<=', $rounds + 1, 'an hour between rounds');
	my $took = 'SELECT max_round_time, total_round_time > max_round_time FROM leash.worker';
	is($server->value('SELECT max_round_time >= last_round_time FROM leash.worker'), 't', 'the longest round is known');
	$admin->query("SELECT leash.reset('worker')");
	is($server->until($took, '00:00:00|t'), '00:00:00|t', 'and can be forgotten');
	reload(check_interval => '100ms', sample_interval => '10ms');
	ok(goes_on(), 'a shorter interval is in force at once');
	reload(check_interval => undef, sample_interval => undef);
};

subtest 'errors' => sub {
	my $before = pid();
	my $logged = sub { return scalar(() = slurp_file($node->logfile) =~ /ERROR:  pg_leash\.debug_stop_at is "round"/g) };
	reload(debug_stop_at => 'round');
	is($server->until('SELECT errors >= 5 FROM leash.worker'), 't', 'are counted');
	is($server->value('SELECT last_error, last_error_at > started_at FROM leash.worker'),
		'pg_leash.debug_stop_at is "round"|t', 'shown');
	is(health('worker', 'status, message'), 'warning|the worker\'s last round failed: pg_leash.debug_stop_at is "round"',
		'told to a monitor');
	is($logged->(), 1, 'logged once');
	my $samples = $server->value('SELECT samples FROM leash.worker');
	is($server->until("SELECT samples > $samples + 5 FROM leash.worker"), 't', 'sampling goes on');
	reload(debug_stop_at => undef);
	is($server->until("SELECT status FROM leash.health() WHERE \"check\" = 'worker'", 'ok'), 'ok', 'and are over');
	ok(goes_on(), 'it goes on');
	my $errors = $server->value('SELECT errors FROM leash.worker');
	reload(debug_stop_at => 'round');
	is($server->until("SELECT errors > $errors FROM leash.worker"), 't', 'they come again');
	is($logged->(), 2, 'and are logged again');
	reload(debug_stop_at => undef);
	is(pid(), $before, 'it was the same process all the time');
};

# Names and rights are looked up in catalogs that somebody may have locked, and be it a
# session that leaks.
subtest 'a locked catalog' => sub {
	my $client = sub {
		my ($user, $application) = @_;
		return $server->session(user => $user, params => { application_name => $application });
	};
	$admin->query("CREATE ROLE $_ LOGIN") for qw(known unknown);
	reload(reaping => 'enforce');
	$admin->query(q{INSERT INTO leash.policies (name, mode, applications, idle_for, action, include_superusers)
		VALUES ('victims', 'enforce', '{victim}', '1ms', 'terminate', true)});
	is($client->('known', 'victim')->last_words->{C}, '57P01', 'a role has a name, once looked up');
	reload(reaping => 'off');
	ok(until_true(sub { defined control_ask($node, 'reap dry')->{notice} }), 'then nobody is looked at');
	my ($known, $unknown) = map { $client->($_, 'victim') } qw(known unknown);
	$server->until_at_rest($_) for $known, $unknown;
	my $locker = $server->session;
	$locker->query($_) for 'BEGIN', 'LOCK TABLE pg_authid';
	my $errors = $server->value('SELECT errors FROM leash.worker');
	my $log = -s $node->logfile;

	reload(reaping => 'enforce');
	is($known->last_words->{C}, '57P01', 'whoever has a known name is ended all the same');
	ok(goes_on(), 'it goes on');
	is($server->value("SELECT count(*) FROM leash.reap_log WHERE pid = $unknown->{pid}"), '0', 'who has none is spared');
	my $said = () = substr(slurp_file($node->logfile), $log) =~ /LOG:  pg_leash spares sessions that it cannot name while "pg_authid" is locked\n/g;
	is($said, 1, 'which is said once');
	is($server->value('SELECT errors FROM leash.worker'), $errors, 'and is no error');
	$locker->query('ROLLBACK');
	is($unknown->last_words->{C}, '57P01', 'it is ended as soon as it can be named');

	$locker->query($_) for 'BEGIN', 'LOCK TABLE pg_authid', "SET application_name = 'victim'";
	is($locker->last_words->{C}, '57P01', 'so is the leak that has locked the catalog');
	$admin->query('DELETE FROM leash.policies');
	reload(reaping => undef);
	ok(goes_on(), 'it goes on');
};

subtest 'levels and waits' => sub {
	$admin->query('CREATE TABLE things (id integer)');
	$server->until('SELECT in_use - busy FROM leash.worker', '0');
	my @idle = map { $server->session } 1 .. 2;
	my @open = map { $server->session } 1 .. 2;
	$_->query('BEGIN') for @open;
	is($server->until('SELECT in_use - busy FROM leash.worker', '2'), '2', 'in a transaction is in use, and not busy');
	my $copy = $server->session;
	$copy->try('COPY things FROM STDIN', 'G');
	is($server->until('SELECT in_use - busy FROM leash.worker', '3'), '3', 'nor is a command that waits for its client');
	is($server->until_of($copy, "client_wait > '100ms'", 't'), 't', 'which adds up in client_wait');
	is($server->of($copy, "client_wait <= statement_for + '1s'"), 't', 'and to no more than there was');
	is($server->of($_, 'client_wait'), '00:00:00', 'while an idle session waits for nobody') for @idle, @open;
	$admin->query('SELECT pg_advisory_lock(1)');
	my $busy = $server->session;
	$busy->send_query('SELECT pg_advisory_lock(1)');
	is($server->until('SELECT busy >= 1 AND in_use >= 4 FROM leash.worker'), 't', 'waiting for a lock is busy');
	$admin->query('SELECT pg_advisory_unlock(1)');
	$busy->wait_ready;
	$copy->send_message('c', '');
	$copy->wait_ready;
	$server->until_at_rest($copy);
	my $waited = $server->of($copy, 'client_wait');
	goes_on();
	is($server->of($copy, 'client_wait'), $waited, 'what has been waited stays');
	is($server->of($busy, 'client_wait'), '00:00:00', 'and was none of the lock\'s');

	my $unread = $server->session;
	$unread->send_queries(("SELECT repeat('x', 1000000)") x 40);
	is($server->until_of($unread, "wait_event = 'ClientWrite' AND client_wait > '50ms'", 't'), 't', 'a client that does not read');
	$unread->hang_up;
	$_->quit for @idle, @open, $copy, $busy;
	is($server->until('SELECT in_use - busy FROM leash.worker', '0'), '0', 'all are gone');
	cmp_ok($server->value('SELECT in_use_peak FROM leash.connections'), '>=', 4, 'the peak stays');
	$admin->query("SELECT leash.reset('connections')");
	is($server->until('SELECT in_use_peak < 4 FROM leash.connections'), 't', 'until it is reset');
};

subtest 'it is ended' => sub {
	my $leak = $server->session;
	$leak->query('BEGIN');
	my $copy = $server->session;
	$copy->try('COPY things FROM STDIN', 'G');
	$server->until_of($copy, "client_wait > '50ms'", 't');
	my $before = pid();
	my $waited = $server->of($copy, 'client_wait');
	kill 'TERM', $before;
	is($server->until("SELECT running AND pid <> $before FROM leash.worker"), 't', 'and started again');
	ok(goes_on(), 'goes on');
	is($server->of($copy, "client_wait >= '$waited'"), 't', 'with what the other one had seen');
	unlike(slurp_file($node->logfile), qr/FATAL:[^\n]*background worker/, 'an orderly end is no error');
	$_->hang_up for $leak, $copy;
};

subtest 'a crash' => sub {
	for my $whom (qw(worker backend))
	{
		my $client = $server->session;
		kill 'KILL', $whom eq 'worker' ? pid() : $client->{pid};
		$_->last_words for $admin, $client;
		$admin = $server->connect_admin;
		is($server->until('SELECT running FROM leash.worker'), 't', "of the $whom: it runs again");
		ok(goes_on(), 'samples and judges');
		is($server->value('SELECT errors FROM leash.worker'), '0', 'and begins anew');
	}
};

subtest 'on a standby' => sub {
	$node->backup('base');
	my $replica = PostgreSQL::Test::Cluster->new('standby');
	$replica->init_from_backup($node, 'base', has_streaming => 1);
	$replica->start;
	my $standby = LeashTest->attach($replica);
	is($standby->until('SELECT running FROM leash.worker'), 't', 'it runs');
	ok(goes_on($standby), 'samples and judges');
	my $before = $standby->value('SELECT pid, started_at FROM leash.worker');
	$replica->promote;
	ok(goes_on($standby), 'goes on after the promotion');
	is($standby->value('SELECT pid, started_at FROM leash.worker'), $before, 'as the same process');
	is($standby->value('SELECT errors FROM leash.worker'), '0', 'without an error');
	$replica->stop;
};

subtest 'the server stops' => sub {
	$node->restart;
	$admin = $server->connect_admin;
	is($server->until('SELECT running FROM leash.worker'), 't', 'and starts with it');
	ok(goes_on(), 'which samples and judges');
};

# Where there is no room for it, all else works.
subtest 'without it' => sub {
	$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
	$node->restart;
	$admin = $server->connect_admin;
	is($server->value('SELECT running, pid, started_at, rounds, samples, in_use FROM leash.worker'), 'f|||0|0|', 'is told');
	is(health('worker', 'status, value'), 'critical|', 'to a monitor too');
	like(health('worker', 'message'), qr/max_worker_processes/, 'with the remedy');
	my $leak = $server->session;
	$leak->query('BEGIN');
	$server->thresholds(idle_in_transaction => '1ms');
	is($server->until_of($leak, 'leak', 'idle in transaction'), 'idle in transaction', 'leaks are seen');
	is($server->of($leak, 'client_wait'), '', 'waits are not known');
	is($server->value('SELECT in_use, in_use_peak FROM leash.connections'), '|', 'nor levels');
	$server->until_at_rest($leak);
	is($server->terminate($leak), 'ended', 'and ended');
};

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|signal 6/, 'nothing in the log that must not be there');
done_testing();
