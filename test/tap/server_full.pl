# A full server: slots used and free, connections that only authenticate, and those
# that were refused, by reason.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start(
	'full',
	conf => [ 'max_connections = 10', 'superuser_reserved_connections = 3', 'authentication_timeout = 600', "password_encryption = 'scram-sha-256'" ]);
my $node = $server->node;
my $admin = $server->{admin};
$admin->query('CREATE ROLE plain LOGIN');
$admin->query('CREATE ROLE limited LOGIN CONNECTION LIMIT 1');
$admin->query("CREATE ROLE guarded LOGIN PASSWORD 'right'");
$admin->query('CREATE ROLE nologin');
$admin->query('CREATE DATABASE small CONNECTION LIMIT 1');
my $hba = $node->data_dir . '/pg_hba.conf';
my $rules = slurp_file($hba);
unlink $hba;
append_to_file($hba, "local all guarded scram-sha-256\nlocal small rejected reject\n$rules");
$admin->query('CREATE ROLE rejected LOGIN');
$node->reload;
$server->until("SELECT count(*) > 0 FROM pg_hba_file_rules WHERE user_name = '{guarded}'", 't');

my @reasons = qw(too_many_clients reserved_slots role_limit database_limit authentication unavailable);

# The refusals by reason that something has led to.
sub refusals
{
	my ($code) = @_;
	my $columns = join ', ', 'refused_total', map { "refused_$_" } @reasons;
	my @before = split /\|/, $server->value("SELECT $columns FROM leash.connections");
	$code->();
	my @after = split /\|/, $server->value("SELECT $columns FROM leash.connections");
	my @names = ('total', @reasons);
	return join ' ', map { my $more = $after[$_] - $before[$_]; $more ? "$names[$_]=$more" : () } 0 .. $#names;
}

# A connection that must be refused; returns the SQLSTATE.
sub refused
{
	my (%option) = @_;
	my $client = $server->session(%option);
	return $client->{error} ? $client->{error}{C} : 'let in';
}

subtest 'one at a time' => sub {
	is($server->value('SELECT max_connections, reserved, used, authenticating, free, active, idle, idle_in_transaction FROM leash.connections'),
		'10|3|1|0|9|1|0|0', 'the admin alone');
	my $idle = $server->session(user => 'plain');
	my $in_transaction = $server->session(user => 'plain');
	$in_transaction->query('BEGIN');
	my $aborted = $server->session(user => 'plain');
	$aborted->query('BEGIN');
	$aborted->try('SELECT 1 / 0');
	my $active = $server->session(user => 'plain');
	$admin->query('SELECT pg_advisory_lock(1)');
	$active->send_query('SELECT pg_advisory_lock(1)');
	$server->until_of($active, 'wait_event', 'advisory');
	is($server->value('SELECT used, authenticating, free, active, idle, idle_in_transaction FROM leash.connections'),
		'5|0|5|2|1|2', 'one of each state');
	$admin->query('SELECT pg_advisory_unlock_all()');
	$active->wait_ready;
	$_->quit for $idle, $in_transaction, $aborted, $active;
	$server->until('SELECT used, free FROM leash.connections', '1|9');
	is($server->value('SELECT peak_used, peak_at IS NOT NULL, opened_total FROM leash.connections'), '5|t|5', 'the peak stays');
};

subtest 'full' => sub {
	my @plain = map { $server->session(user => 'plain') } 1 .. 6;
	is(scalar(grep { !$_->{error} } @plain), 6, 'as many as are not reserved');
	is($server->value('SELECT used, free, idle FROM leash.connections'), '7|3|6', 'used and free');
	is(refusals(sub { is(refused(user => 'plain'), '53300', 'one more is refused') for 1 .. 3 }),
		'total=3 reserved_slots=3', 'counted as reserved slots');
	my @super = map { $server->session } 1 .. 3;
	is(scalar(grep { !$_->{error} } @super), 3, 'a superuser gets in');
	is($server->value('SELECT used, free, authenticating FROM leash.connections'), '10|0|0', 'right at full');
	is($server->value('SELECT count(*) FROM leash.sessions'), '10', 'all are seen');
	my $before = $server->value('SELECT clock_timestamp()');
	is(refusals(sub { is(refused(user => 'plain'), '53300', 'nobody is let in'); is(refused(), '53300', 'no superuser either') }),
		'total=2 too_many_clients=2', 'counted as too many clients');
	is($server->value("SELECT refused_last_at > '$before' FROM leash.connections"), 't', 'and when');
	is($server->value('SELECT used, free FROM leash.connections'), '10|0', 'still right at full');
	$server->until_at_rest($_) for @plain;
	is($server->terminate($_), 'ended', 'a session can be ended') for @plain;
	is($server->value('SELECT used, free FROM leash.connections'), '4|6', 'the slots are free at once');
	my $next = $server->session(user => 'plain');
	ok(!$next->{error}, 'and can be taken');
	is($server->value('SELECT peak_used FROM leash.connections'), '10', 'the peak');
	$_->quit for @super, $next;
	$server->until('SELECT used FROM leash.connections', '1');
};

subtest 'who only authenticates' => sub {
	# The server has asked for a password and waits for it.
	my @parked = map { $server->session(user => 'guarded', login => 0) } 1 .. 4;
	is($server->until('SELECT used, authenticating, free FROM leash.connections', '5|4|5'), '5|4|5', 'takes a slot');
	is($server->value('SELECT count(*) FROM leash.sessions'), '1', 'and is no session yet');
	push @parked, map { $server->session(user => 'guarded', login => 0) } 1 .. 5;
	is($server->until('SELECT used, authenticating, free FROM leash.connections', '10|9|0'), '10|9|0', 'a server full of them');
	is(refusals(sub { is(refused(), '53300', 'refuses everybody else') }), 'total=1 too_many_clients=1', 'which is counted');
	$_->hang_up for @parked;
	is($server->until('SELECT used, authenticating, free FROM leash.connections', '1|0|9'), '1|0|9', 'until they go');
};

subtest 'refused for other reasons' => sub {
	my $limited = $server->session(user => 'limited');
	is(refusals(sub { is(refused(user => 'limited'), '53300', 'a role at its limit') }), 'total=1 role_limit=1', 'is counted');
	$limited->quit;
	$server->until('SELECT used FROM leash.connections', '1');

	my $small = $server->session(user => 'plain', dbname => 'small');
	is(refusals(sub { is(refused(user => 'plain', dbname => 'small'), '53300', 'a database at its limit') }),
		'total=1 database_limit=1', 'is counted');
	$small->quit;

	is(refusals(sub {
		local $ENV{PGPASSWORD} = 'wrong';
		$node->connect_fails('user=guarded dbname=postgres', 'a wrong password', expected_stderr => qr/password authentication failed/);
	}), 'total=1 authentication=1', 'is counted');
	is(refusals(sub {
		local $ENV{PGPASSWORD} = 'right';
		$node->connect_ok('user=guarded dbname=postgres', 'the right password');
	}), '', 'is not');
	is(refusals(sub { is(refused(user => 'nobody_there'), '28000', 'a role that does not exist') }), 'total=1 authentication=1', 'is counted');
	is(refusals(sub { is(refused(user => 'nologin'), '28000', 'a role that may not log in') }), 'total=1 authentication=1', 'is counted');
	is(refusals(sub { is(refused(user => 'rejected', dbname => 'small'), '28000', 'a rule that rejects') }), 'total=1 authentication=1', 'is counted');
	is(refusals(sub { is($server->session(user => 'plain')->sqlstate('SELECT * FROM nowhere'), '42P01', 'an error in a session') }), '',
		'is no refusal');
	is(refusals(sub { $server->session(user => 'plain')->hang_up }), '', 'nor is a client that goes without a good-bye');
};

subtest 'reset' => sub {
	is($server->value("SELECT refused_total > 0, refused_last_at IS NOT NULL FROM leash.connections"), 't|t', 'something is counted');
	$server->until('SELECT used FROM leash.connections', '1');
	$admin->query("SELECT leash.reset('slow_statements')");
	is($server->value("SELECT refused_total > 0 FROM leash.connections"), 't', 'not forgotten with the slow statements');
	$admin->query("SELECT leash.reset('connections')");
	is($server->value('SELECT refused_total, refused_last_at, opened_total, peak_used FROM leash.connections'), '0||0|1', 'forgotten');
};

subtest 'while the server shuts down' => sub {
	# It waits for the admin to go; so the admin sees what is refused.
	system_or_bail('pg_ctl', '-D', $node->data_dir, '-m', 'smart', '--no-wait', 'stop');
	my $refused = 0;
	my $state = '';
	is(refusals(sub {
		# those that are let in before the postmaster has read the signal
		while ($state ne '57P03')
		{
			my $client = $server->session(user => 'plain');
			$state = $client->{error} ? $client->{error}{C} : 'let in';
			$client->quit;
		}
	}), 'total=1 unavailable=1', 'a refused connection is counted');
	is($state, '57P03', 'by SQLSTATE');
	$admin->quit;
	$node->stop('fast', fail_ok => 1);
};

done_testing();
