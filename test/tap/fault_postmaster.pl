# The postmaster is killed, or stopped at once, while claims are under way: every process
# leaves by itself, and the next start finds nothing in its way.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use FaultTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = FaultTest->start('fault_postmaster', conf => ["pg_leash.debug_minute = '300ms'"]);
my $node = $server->node;
my $path = control_path($node);

sub processes
{
	my @pid = map { $_->[0] } @{ $server->{admin}->query('SELECT pid FROM pg_stat_activity') };
	return (@pid, $node->{_pid});
}

sub all_leave
{
	my ($when, @pid) = @_;
	my $left;
	until_true(sub { $left = join ',', grep { kill 0, $_ } @pid; $left eq '' });
	is($left, '', "$when: every process leaves by itself");
	kill 'KILL', split /,/, $left;
	return;
}

sub starts_again
{
	my ($when) = @_;
	$node->start;
	$server->connect_admin;
	delete $server->{controller};
	is($server->value('SELECT opened_total, (SELECT count(*) FROM leash.sessions) FROM leash.connections'), '1|1', "$when: counters begin anew");
	is(control_ask($node, 'status')->{error}, undef, "$when: the control socket answers");
	is(slurp_file("$path.lock"), $server->value('SELECT pid FROM leash.worker') . "\n", "$when: its lock is the new worker's");
	$server->is_sound($when);
	return;
}

# The worker at $step, with a victim, a session that runs something, one in a transaction.
sub busy
{
	my ($step) = @_;
	my $works = $server->session;
	$works->send_query('INSERT INTO things VALUES (1); SELECT pg_sleep(600)');
	my $open = $server->session;
	$open->query('BEGIN; INSERT INTO things VALUES (1)');
	$server->{clients} = [ $works, $open ];
	$server->set('pg_leash.reaping' => 'off');
	$server->{victim} = $server->victim(queries => ['BEGIN; INSERT INTO things VALUES (1)']);
	$server->{admin}->query(q(ALTER SYSTEM SET pg_leash.reaping = 'enforce'));
	return $server->hold_worker($step);
}

for my $step (qw(turn claimed journal saving))
{
	subtest "the worker at \"$step\"" => sub {
		busy($step);
		my @pid = processes();
		$node->kill9;
		all_leave($step, @pid);
		starts_again($step);
	};
}

for my $step (qw(sample undecided signalled minute))
{
	subtest "an immediate stop, the worker at \"$step\"" => sub {
		busy($step);
		my @pid = processes();
		$node->stop('immediate');
		all_leave($step, @pid);
		starts_again($step);
	};
}

# The reaper of a claim is no more: its victim, on its way out, does not wait for it.
for my $step (qw(undecided claimed))
{
	subtest "with a worker that was killed at \"$step\"" => sub {
		my $worker = busy($step);
		my @pid = processes();
		kill 'STOP', $worker;
		$node->kill9;
		kill 'KILL', $worker;
		all_leave($step, @pid);
		ok(-e $path && -e "$path.lock", 'the files of the control socket are left');
		starts_again($step);
	};
}

for my $step (qw(swapped signalled))
{
	subtest "with a reaper that was killed at \"$step\"" => sub {
		my $victim = $server->session;
		$victim->query('BEGIN; INSERT INTO things VALUES (1)');
		my $reaper = $server->session;
		$server->until_at_rest($victim);
		$server->hold($step, $reaper, sprintf q(SELECT leash.terminate('%s')), $server->session_id($victim));
		my @pid = processes();
		kill 'STOP', $reaper->{pid};
		$node->kill9;
		kill 'KILL', $reaper->{pid};
		all_leave($step, @pid);
		starts_again($step);
	};
}

$server->log_is_clean;
done_testing();
