# The worker is killed at each step of its work, or told to end there: the server
# recovers, the next worker goes on where it must.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use FaultTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = FaultTest->start('fault_worker', conf => ["pg_leash.debug_minute = '300ms'"]);
my $node = $server->node;

sub victim
{
	my $victim = $server->victim(queries => ['BEGIN; INSERT INTO things VALUES (1)']);
	return $victim;
}

# A worker at $step; at those of a claim it has a victim.
sub worker_at
{
	my ($step, $of_claim) = @_;
	# No round comes to an end before the step is set.
	$server->set('pg_leash.reaping' => 'off');
	is($server->until('SELECT rounds > 0 FROM leash.worker'), 't', 'the worker runs') if $of_claim;
	my $victim = $of_claim ? victim() : undef;
	$server->{admin}->query(q(ALTER SYSTEM SET pg_leash.reaping = 'enforce'));
	my $pid = $server->hold_worker($step);
	return ($pid, $victim);
}

my @of_claim = qw(turn judged undecided looked swapped claimed signalled journal acted);
for my $step (qw(sample minute saving), @of_claim)
{
	subtest "killed at \"$step\"" => sub {
		my ($pid) = worker_at($step, scalar grep { $_ eq $step } @of_claim);
		$server->crash($pid, $step);
		$server->is_sound($step);
		is(control_ask($node, 'status')->{error}, undef, 'its socket answers');
		is(slurp_file(control_path($node) . '.lock'), $server->value('SELECT pid FROM leash.worker') . "\n",
			'the lock file names the new worker');
	};
}

# What it has begun it brings to an end, also for the victim's row.
for my $step (@of_claim)
{
	subtest "told to end at \"$step\"" => sub {
		my ($pid, $victim) = worker_at($step, 1);
		kill 'TERM', $pid;
		$server->unbar;
		is($server->until("SELECT running AND pid <> $pid FROM leash.worker"), 't', 'another one comes');
		is($victim->last_words->{C}, '57P01', 'the victim is told');
		is($server->until_journal($victim, 'ended'), 'ended', 'its end is journaled, once');
		$server->is_sound($step);
	};
}

$server->log_is_clean;
done_testing();
