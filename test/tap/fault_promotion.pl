# A standby is promoted while policies act: what they tell goes to the log before, to who
# listens after; sampling and the journal go on, and nobody is hurt that no policy names.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use FaultTest;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = FaultTest->start('fault_primary', init => { allows_streaming => 1 }, conf => ['max_connections = 20']);
$primary->policies(
	[ 'ends victims', idle_for => q('300ms'), action => q('terminate') ],
	[ 'tells', applications => q('{told*}'), idle_for => q('300ms'), states => q('{idle in transaction}'), action => q('notify') ]);
$primary->node->backup('base');
my $node = PostgreSQL::Test::Cluster->new('fault_promoted');
$node->init_from_backup($primary->node, 'base', has_streaming => 1);
$node->start;
my $standby = FaultTest->attach($node);
$standby->until($PolicyTest::in_force, 'ends victims,tells');

# Whom no policy names: idle, in a transaction, in a statement.
my @others = map { $standby->session(params => { application_name => "other $_" }) } 1 .. 3;
$others[0]->query('SELECT 1');
$others[1]->query('BEGIN; SELECT count(*) FROM things');
$others[2]->send_query('SELECT 42 FROM pg_sleep(1)');

sub told
{
	my $told = $standby->victim(application => 'told ' . ++$standby->{told}, queries => ['BEGIN']);
	$standby->until_journal($told, 'notified');
	return $told;
}

sub line
{
	my ($session) = @_;
	return qr/LOG:  pg_leash: \{"policy":"tells","session_id":"\Q$session->{session_id}\E"/;
}

sub is_ended
{
	my ($victim, $when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($victim->last_words->{C}, '57P01', "$when: a victim is told");
	return is($standby->until_journal($victim, 'ended'), 'ended', "$when: its end is in the journal");
}

is_ended($standby->victim, 'before');
my @told = told();
$node->wait_for_log(line($told[0]));
pass('before: a notification is a line in the log');
my $worker = $standby->value('SELECT pid FROM leash.worker');

subtest 'promoted in the middle of a claim' => sub {
	$standby->set('pg_leash.reaping' => 'off');
	my $victim = $standby->victim(queries => ['BEGIN']);
	$standby->{admin}->query(q(ALTER SYSTEM SET pg_leash.reaping = 'enforce'));
	my $pid = $standby->hold_worker('claimed');
	is($pid, $worker, 'it is the worker\'s');
	$node->promote;
	is($standby->value('SELECT pg_is_in_recovery()'), 'f', 'promoted while the worker is held');
	$standby->unbar;
	is_ended($victim, 'the claimed one');
};

my $listener = $standby->session(params => { application_name => 'listener' });
$listener->query('LISTEN pg_leash');
my $log = -s $node->logfile;
push @told, told();
until_true(sub { $listener->query('SELECT 1'); return scalar @{ $listener->{notified} // [] } });
my @payload = map { decode_json($_) } @{ $listener->{notified} // [] };
is_deeply([ map { $_->{session_id} } @payload ], [ $told[1]{session_id} ], 'after: a notification goes to who listens, once');
unlike(substr(slurp_file($node->logfile), $log), line($told[1]), 'and is no line in the log any more');
is_ended($standby->victim, 'after');

# The table is now its own.
$standby->policies([ 'ends victims', idle_for => q('300ms'), action => q('terminate') ]);
is_ended($standby->victim, 'with a policy of its own');
is($standby->value("SELECT count(*) FROM leash.reap_log WHERE outcome = 'still exiting'"), '0', 'no row waits for an end');
is($standby->value('SELECT count(*) = count(DISTINCT id) AND max(id) - min(id) + 1 = count(*) FROM leash.reap_log'), 't', 'none is missing');
is($standby->value('SELECT pid FROM leash.worker'), $worker, 'the worker was the same all the time');
$standby->worker_goes_on('after');

is($_->alive ? 'lives' : 'gone', 'lives', 'told and not ended') for @told;
is($others[2]->wait_ready->[0][0], '42', 'a statement ran through the promotion');
is($_->value('SELECT 42'), '42', 'who was not named lives') for @others;
is($others[1]->value('SELECT count(*) FROM things'), '1', 'in its transaction');
is($standby->value(q(SELECT count(*) FROM leash.reap_log WHERE application_name LIKE 'other%')), '0', 'and was never decided about');

$standby->log_is_clean;
done_testing();
