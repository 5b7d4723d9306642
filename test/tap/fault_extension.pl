# The extension is dropped and made again, its policies are emptied and written anew, its
# database goes and comes, while sessions read the views and policies act.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Crowd;
use FaultTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $times = $ENV{LEASH_DROPS} // 20;
my $server = FaultTest->start('fault_extension', conf => ['max_connections = 30']);
my $node = $server->node;
my $admin = $server->{admin};
my $stop = $node->basedir . '/stop';

# Readers of the views may be told that these are not there; nothing else may happen.
my @readers = (
	'SELECT count(*) FROM leash.sessions', 'SELECT count(*) FROM leash.leaks', 'SELECT count(*) FROM leash.applications',
	'SELECT count(*) FROM leash.reap_log', 'SELECT count(*) FROM leash.policies', 'SELECT leash.reap(true)',
	'SELECT count(*) FROM leash.health()', q(SELECT leash.terminate('1.1')));
my $missing = qr/^(?:42P01|3F000|42883|42704)$/;
my $client;

sub reads
{
	my ($number, $counts) = @_;
	return 0 if -e $stop;
	$client //= LeashClient->new($node, params => { application_name => "reads $number" });
	$client->try($readers[ $counts->{reads}++ % @readers ]);
	die "reader: $client->{error}{C} $client->{error}{M}" if $client->{error} && $client->{error}{C} !~ $missing && !_stale();
	die 'reader: ended' if $client->{closed};
	$counts->{missing}++ if $client->{error};
	return 1;
}

# PostgreSQL's own way to say that an object went between two looks at the catalogs.
sub _stale
{
	return $client->{error}{M} =~ /^(?:cache lookup failed for|could not open relation with OID|relation with OID|could not find )/;
}

sub crowd
{
	unlink $stop;
	return Crowd->start($node, clients => 4, work => \&reads);
}

sub disperse
{
	my ($crowd, $name) = @_;
	open my $file, '>', $stop or die $!;
	my $sum = $crowd->finish;
	is($sum->{died} // '', '', "$name: nobody saw more than that it was not there");
	cmp_ok($sum->{reads}, '>', $times, "$name: $sum->{reads} reads");
	return;
}

sub is_ended
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $victim = $server->session(params => { application_name => 'victim ' . ++$server->{victims} });
	return is($victim->last_words->{C}, '57P01', $name);
}

my $idle = $server->session(params => { application_name => 'idle' });
$idle->query('BEGIN; SELECT 1');
my @write = ('DELETE FROM leash.policies', q(INSERT INTO leash.policies (name, mode, applications, idle_for, action, include_superusers)
	VALUES ('ends victims', 'enforce', '{victim*}', '300ms', 'terminate', true)));

subtest 'DROP and CREATE EXTENSION' => sub {
	my $crowd = crowd();
	for my $turn (1 .. $times)
	{
		$admin->query('DROP EXTENSION pg_leash CASCADE');
		$admin->query('CREATE EXTENSION pg_leash');
		$admin->query($write[1]);
		is_ended('policies act again') if $turn % 10 == 0;
	}
	disperse($crowd, 'dropped');
	is($server->until($PolicyTest::in_force, 'ends victims'), 'ends victims', 'what was written last is in force');
};

# A victim that connects while the table is empty is ended when it is not.
subtest 'policies are emptied and written' => sub {
	my $crowd = crowd();
	for my $turn (1 .. $times)
	{
		$admin->query($turn % 2 ? 'TRUNCATE leash.policies' : $write[0]);
		$admin->query($write[1]);
	}
	disperse($crowd, 'rewritten');
	is($server->until($PolicyTest::in_force, 'ends victims'), 'ends victims', 'what was written last is in force');
	is_ended('and acts');
	# What is undone never was.
	$admin->query('BEGIN');
	$admin->query($write[0]);
	is_ended('what is not committed is not in force');
	$admin->query('ROLLBACK');
	is_ended('nor what is undone');
};

subtest 'its database is dropped' => sub {
	$server->set('pg_leash.database' => 'leash_home');
	my $crowd = crowd();
	for my $turn (1 .. 3)
	{
		$admin->query('CREATE DATABASE leash_home');
		my $there = $server->session(dbname => 'leash_home');
		$there->query('CREATE EXTENSION pg_leash');
		$there->query($write[1]);
		is($server->until($PolicyTest::in_force, 'ends victims'), 'ends victims', 'its policies are in force');
		is_ended('and act');
		$there->quit;
		$admin->query('DROP DATABASE leash_home WITH (FORCE)');
		is($server->until($PolicyTest::in_force, ''), '', 'with it they are gone');
		like($server->value('SELECT policies_error FROM leash.worker'), qr/database "leash_home".* does not exist/, 'which is said');
		my $victim = $server->session(params => { application_name => "victim without policy $turn" });
		$server->rounds_pass;
		ok($victim->alive, 'nobody is ended without a policy');
		$victim->quit;
	}
	disperse($crowd, 'its database dropped');
	$server->set('pg_leash.database' => 'postgres');
	is($server->until($PolicyTest::in_force, 'ends victims'), 'ends victims', 'the former ones are in force again');
};

ok($idle->alive, 'who was not named lives');
$idle->quit;
is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker had no error');
$server->worker_goes_on('afterwards');
$server->log_is_clean;
done_testing();
