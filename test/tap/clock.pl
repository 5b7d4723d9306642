# The wall clock is set forward and back by an hour under a running server: no age and no
# verdict follows it.  libfaketime stands between the server and the wall clock.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use FakeClock;
use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $clock = FakeClock->new;
plan skip_all => 'libfaketime is not installed' unless $clock;

my $server;
$clock->under(
	sub {
		$server = LeashTest->start(
			'clock', conf => [ "pg_leash.check_interval = '100ms'", "pg_leash.sample_interval = '10ms'" ]);
	});
$clock->await_worker($server);
my $admin = $server->{admin};

sub step
{
	my ($minutes) = @_;
	return $clock->step($server, $minutes);
}

sub await_sample
{
	my $samples = $server->value('SELECT samples FROM leash.worker');
	return $server->until("SELECT samples > $samples + 1 FROM leash.worker") eq 't';
}

$admin->query('CREATE TABLE things (id integer)');
$admin->query('SELECT pg_advisory_lock(1)');

my %session;
sub open_session
{
	my ($name, @sql) = @_;
	$session{$name} = $server->session(params => { application_name => $name });
	$session{$name}->query($_) for @sql;
	return $session{$name};
}
open_session('idle', 'SELECT count(*) FROM things');
open_session('never used');
open_session('in transaction', 'BEGIN', 'SELECT count(*) FROM things');
open_session('failed', 'BEGIN')->try('SELECT 1 / 0');
open_session('active')->send_query('SELECT pg_advisory_lock(1)');
open_session('stalled')->try('COPY things FROM STDIN', 'G');
my %kind = (
	'idle' => 'unused',
	'never used' => 'never used',
	'in transaction' => 'idle in transaction',
	'failed' => 'aborted transaction',
	'stalled' => 'stalled client',);
my $expected = join ',', map { "$_: $kind{$_}" } sort keys %kind;
my $leaks = "SELECT string_agg(application_name || ': ' || kind, ',' ORDER BY application_name COLLATE \"C\") FROM leash.leaks";
my @ages = qw(idle_for unused_for xact_for statement_for longest_idle);
my $seconds = join ', ', map { "coalesce(extract(epoch FROM $_), 0)" } @ages;

sub ages
{
	my %age;
	for my $name (sort keys %session)
	{
		my @age = split /\|/, $server->of($session{$name}, $seconds);
		@{ $age{$name} }{@ages} = @age;
	}
	return \%age;
}

# All that is measured goes on from where it was.
sub ages_go_on
{
	my ($before, $when) = @_;
	my $now = ages();
	my @wrong;
	for my $name (sort keys %$before)
	{
		for my $age (@ages)
		{
			my ($then, $here) = ($before->{$name}{$age}, $now->{$name}{$age});
			push @wrong, "$age of \"$name\" was $then, is $here" if $here < $then || $here > $then + 900;
		}
	}
	is_deeply(\@wrong, [], "$when: no age follows the clock");
	return;
}

sub verdicts_hold
{
	my ($when) = @_;
	$server->thresholds(map { $_ => '15min' } qw(idle_in_transaction idle never_used stalled_client));
	is($server->value($leaks), '', "$when: nobody is leaked who was not");
	$server->thresholds(map { $_ => '1ms' } qw(idle_in_transaction idle never_used stalled_client));
	is($server->until($leaks, $expected), $expected, "$when: and all are who were");
	is($server->value("SELECT max(leaked_for) < '15min' FROM leash.leaks"), 't', "$when: for as long as they were");
	is($server->value("SELECT value < 900 FROM leash.health() WHERE \"check\" = 'lock_wait'"), 't', "$when: so are waits for locks");
	return;
}

$server->until_of($session{active}, 'wait_event', 'advisory');
for my $name (grep { $_ ne 'active' } sort keys %session)
{
	$server->until_of($session{$name}, 'wait_event', 'ClientRead');
}
ok(await_sample(), 'all states have been seen');
# the begin of its transaction is nowhere but in PostgreSQL's own stamp
is($server->of($session{active}, 'opener, xact_for IS NOT NULL'), '|t', 'a transaction without an opener');
my $before = ages();
verdicts_hold('before');

ok(step(60), 'the clock is set forward');
is($server->until("SELECT last_round_at > clock_timestamp() - interval '10min' FROM leash.worker"), 't', 'for the worker too');
ages_go_on($before, 'forward');
verdicts_hold('forward');
await_sample();
ages_go_on($before, 'forward, a sample later');

ok(step(-60), 'the clock is set back by two hours');
ages_go_on($before, 'back');
verdicts_hold('back');
await_sample();
ages_go_on($before, 'back, a sample later');

# States that no sample has seen before the step: only the last sample bounds them.
my $worker = $server->value('SELECT pid FROM leash.worker');
my $young = join ' AND ', map { "coalesce($_, '0') < '15min'" } @ages;
for my $minutes (60, -60)
{
	await_sample();
	is(kill('STOP', $worker), 1, 'the worker is stopped');
	my $late = open_session('late', 'BEGIN', 'SELECT count(*) FROM things');
	my $runs = open_session('runs');
	$runs->send_query('SELECT pg_advisory_lock(1)');
	$server->until_of($runs, 'wait_event', 'advisory');
	$server->until_at_rest($late);
	ok(step($minutes), "the clock is set by $minutes minutes while nobody samples");
	is($server->of($_, $young), 't', 'an age is bounded') for $late, $runs;
	kill 'CONT', $worker;
	await_sample();
	is($server->of($_, $young), 't', 'and still is, once it was seen') for $late, $runs;
	is($server->of($late, "idle_for > '0' AND xact_for >= idle_for"), 't', 'and counts');
	is($server->of($runs, "statement_for > '0' AND xact_for > '0'"), 't', 'and counts');
	$_->hang_up for $late, $runs;
}
is($server->value('SELECT pid, errors FROM leash.worker'), "$worker|0", 'the worker had no error');

done_testing();
