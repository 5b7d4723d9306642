# A session that leaves while it is being claimed or cancelled: nobody hangs, the
# outcome is true, and whoever takes the slot next is not touched.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClaimTest;
use Test::More;

my $claim = ClaimTest->start('exit', conf => ['max_connections = 12']);

# New sessions take the process slots that were given back last.
sub newcomers_live
{
	my ($before) = @_;
	my @new = map { $claim->session } 1 .. 3;
	$_->query('SELECT 1') for @new;
	is(scalar(grep { $_->alive } @new), 3, 'sessions that came meanwhile live');
	$_->quit for @new;
	$claim->until_gone($_) for @new;
	return;
}

for my $state ('idle', 'idle in transaction')
{
	for my $way ('hangs up', 'says good-bye', 'is terminated')
	{
		for my $point ('judged', 'undecided', 'looked', 'swapped', 'claimed')
		{
			subtest "a session that $way at \"$point\", $state" => sub {
				my $victim = $claim->session;
				$victim->query('BEGIN; INSERT INTO item VALUES (1)') if $state ne 'idle';
				$claim->hold_terminate($point, $victim);
				$victim->hang_up if $way eq 'hangs up';
				$victim->quit if $way eq 'says good-bye';
				$claim->value("SELECT pg_terminate_backend($victim->{pid})") if $way eq 'is terminated';
				# From the first swap on it waits for the reaper before it goes; it is on
				# its way once it waits for its client no longer.
				$point eq 'judged'
				  ? $claim->until_gone($victim)
				  : $claim->{server}->until(
					"SELECT count(*) FROM pg_stat_activity WHERE pid = $victim->{pid} AND wait_event = 'ClientRead'", '0');
				# The process id is not given back before the signal is sent.
				is($claim->value("SELECT count(*) FROM pg_stat_activity WHERE pid = $victim->{pid}"),
					$point eq 'judged' ? '0' : '1', $point eq 'judged' ? 'it went' : 'it waits for the reaper');
				like($claim->outcome, $point eq 'judged' ? qr/^gone$/ : qr/^(gone|ended|spared: woke up)$/, 'the outcome');
				ok($claim->until_gone($victim), 'it is gone');
				newcomers_live();
			};
		}
	}
}

for my $point ('judged', 'undecided', 'claimed')
{
	subtest "a session that is terminated while a cancel is at \"$point\"" => sub {
		my $blocker = $claim->session;
		$blocker->query('SELECT pg_advisory_lock(77)');
		my $victim = $claim->session;
		$victim->send_query('SELECT pg_advisory_lock(77)');
		$claim->until_blocked($victim, 77);
		$claim->hold_cancel($point, $victim);
		$claim->value("SELECT pg_terminate_backend($victim->{pid})");
		$point eq 'judged' ? $claim->until_gone($victim) : $claim->until_unblocked($victim);
		like($claim->outcome, $point eq 'judged' ? qr/^gone$/ : qr/^(gone|cancelled|too late)$/, 'the outcome');
		ok($claim->until_gone($victim), 'it is gone');
		$blocker->quit;
		newcomers_live();
	};
}

is($claim->value('SELECT count(*) FROM item'), '0', 'nothing of them was committed');

done_testing();
