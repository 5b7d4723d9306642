# Two reapers at one session: one of them ends it, and neither hangs.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClaimTest;
use Test::More;

my $claim = ClaimTest->start('two_reapers');
my $second = $claim->reaper;

sub others_try
{
	my ($victim, $force) = @_;
	return $second->value("SELECT leash.terminate('$victim->{session_id}', NULL, $force)");
}

for my $first_force (0, 1)
{
	for my $force ('false', 'true')
	{
		my $kinds = ($first_force ? 'by force' : 'idle') . ', the second ' . ($force eq 'true' ? 'by force' : 'idle');

		subtest "the second comes at \"judged\", first $kinds" => sub {
			my $victim = $claim->session;
			$claim->hold_terminate('judged', $victim, force => $first_force);
			is(others_try($victim, $force), 'ended', 'the second ends it');
			is($claim->outcome, 'gone', 'for the first it is gone');
			is($victim->last_words->{C}, '57P01', 'the victim is told');
		};

		for my $point ('undecided', 'looked', 'claimed')
		{
			subtest "the second comes at \"$point\", first $kinds" => sub {
				my $victim = $claim->session;
				$claim->hold_terminate($point, $victim, force => $first_force);
				my $said = others_try($victim, $force);
				isnt($said, 'ended', "the second gives way: $said");
				is($claim->outcome, 'ended', 'the first ends it');
				is($victim->last_words->{C}, '57P01', 'the victim is told');
				ok($claim->until_gone($victim), 'it is gone');
			};
		}
	}
}

# The first withdraws; the second, which comes after, is not in its way any more.
subtest 'the first withdraws' => sub {
	my $victim = $claim->session;
	$claim->hold_terminate('looked', $victim);
	$victim->query('SELECT 1');
	is($claim->outcome, 'spared: woke up', 'it spares the session');
	$claim->{server}->until_at_rest($victim);
	is(others_try($victim, 'false'), 'ended', 'the second ends it');
};

done_testing();
