# Settings change by the hundred while sessions leak and work: nobody is hurt but whom a
# policy names, and the last settings are in force.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Crowd;
use FaultTest;
use Test::More;

my $reloads = $ENV{LEASH_RELOADS} // 300;
my $server = FaultTest->start('fault_reload', conf => ['max_connections = 30']);
my $node = $server->node;
my $admin = $server->{admin};
my $stop = $node->basedir . '/stop';

# Those who work, in the states in which a wrong threshold would find them leaked.
my $client;
my $crowd = Crowd->start($node,
	clients => 4,
	work => sub {
		my ($number, $counts) = @_;
		return 0 if -e $stop;
		$client //= LeashClient->new($node, params => { application_name => "works $number" });
		$client->query('BEGIN');
		$client->query('SELECT pg_sleep(0.002)');
		select undef, undef, undef, 0.005;
		$client->query('COMMIT');
		select undef, undef, undef, 0.005;
		$counts->{transactions}++;
		return 1;
	});
my @idle = map { $server->session(params => { application_name => "idle $_" }) } 1 .. 3;
$idle[1]->query('BEGIN; SELECT 1');
$idle[2]->query('BEGIN');
$idle[2]->sqlstate('SELECT 1/0');

# What changes, in all combinations as they come.
my %values = (
	'pg_leash.reaping' => [qw(off observe enforce)],
	'pg_leash.idle_in_transaction_threshold' => [qw(0 1ms 1h)],
	'pg_leash.idle_threshold' => [qw(1ms 0)],
	'pg_leash.never_used_threshold' => [qw(0 1ms 1h 1ms)],
	'pg_leash.stalled_client_threshold' => [qw(1ms 0 1h)],
	'pg_leash.check_interval' => [qw(100ms 200ms 1h)],
	'pg_leash.sample_interval' => [qw(10ms 1s)],
	'pg_leash.track' => [qw(on off)],
	'pg_leash.slow_statement_threshold' => [qw(0 -1 1s)],
	'pg_leash.database' => [qw(postgres postgres nowhere template1)]);
my @victims;
for my $turn (1 .. $reloads)
{
	for my $name (keys %values)
	{
		my $value = $values{$name}[ $turn % @{ $values{$name} } ];
		$admin->query("ALTER SYSTEM SET $name = '$value'") if $turn % 7 == length($name) % 7;
	}
	$admin->query('SELECT pg_reload_conf()');
	push @victims, $server->victim if $turn % 30 == 0;
}
pass("$reloads reloads");

$admin->query('ALTER SYSTEM RESET ALL');
$admin->query('SELECT pg_reload_conf()');
is($server->until($PolicyTest::in_force, 'ends victims'), 'ends victims', 'the policies are back');
is($_->last_words->{C}, '57P01', 'a victim was ended in the end') for @victims;
is($server->until("SELECT count(*) FROM leash.sessions WHERE application_name LIKE 'victim%'", '0'), '0', 'all victims are gone');
ok($_->alive || $_->{error}{C} eq '25P02', 'who was idle lives') for @idle;
open my $file, '>', $stop or die $!;
my $sum = $crowd->finish;
is($sum->{died} // '', '', 'who worked was not hurt');
cmp_ok($sum->{transactions}, '>', 0, "in $sum->{transactions} transactions");
is($server->value(q(SELECT count(*) FROM leash.reap_log WHERE application_name !~ '^victim')), '0', 'nothing was decided about others');
is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker had no error');
$_->quit for @idle;
$server->worker_goes_on('afterwards');
$server->log_is_clean;
done_testing();
