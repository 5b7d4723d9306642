# A session is killed at each step of its exit, or stays there for long: nobody is kept
# from working, its slot comes back, and it is counted once.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use FaultTest;
use Test::More;

my $server = FaultTest->start('fault_exit');
my @steps = qw(leaving folding folded closed);

sub leave
{
	my ($session) = @_;
	$session->query('BEGIN; INSERT INTO things VALUES (1)');
	return $session->quit;
}

sub leaving_session
{
	my ($step) = @_;
	my $session = $server->session(params => { application_name => 'leaves' });
	$server->session_id($session);
	$server->hold($step, $session, \&leave);
	return $session;
}

for my $step (@steps)
{
	subtest "killed at \"$step\"" => sub {
		my $session = leaving_session($step);
		$server->crash($session->{pid}, $step);
		$server->is_sound($step);
	};

	subtest "somebody else is killed at \"$step\"" => sub {
		my $bystander = $server->session;
		leaving_session($step);
		$server->crash($bystander->{pid}, $step);
		$server->is_sound($step);
	};
}

# One that folds holds a lock that the worker needs each time.
for my $step (grep { $_ ne 'folding' } @steps)
{
	subtest "slow at \"$step\"" => sub {
		my @before = $server->counts;
		my $session = leaving_session($step);
		my $open = $step eq 'closed' ? 0 : 1;
		is($server->value("SELECT count(*) FROM leash.sessions WHERE session_id = '$session->{session_id}'"), $open,
			$open ? 'it is still there' : 'it is there no more');
		is($server->value('SELECT used FROM leash.connections'), '3', 'its slot is taken');
		like($server->value("SELECT leash.terminate('$session->{session_id}')"), qr/^(?:gone|spared: woke up)$/, 'nobody ends it');
		$server->worker_goes_on('meanwhile');
		is($server->value('SELECT sum(ended) FROM leash.applications') - $before[1], $step eq 'leaving' ? 0 : 1, 'it is counted once');
		$server->unbar;
		is($server->until('SELECT used FROM leash.connections', '1'), '1', 'then it is gone');
		my @after = $server->counts;
		is($after[0] - $before[0], 2, 'two were opened: it and who held it');
		is($after[1] - $before[1], 2, 'two have ended');
		$server->is_sound('afterwards');
	};
}

$server->nobody_is_left;
$server->log_is_clean;
done_testing();
