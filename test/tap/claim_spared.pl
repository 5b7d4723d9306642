# A command that arrives while a reaper makes up its mind: the session is spared at
# every point, and the command completes.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClaimTest;
use Test::More;

my $claim = ClaimTest->start('spared');
$claim->{server}{admin}->query(q{CREATE TABLE locked (id integer);
	CREATE FUNCTION folded() RETURNS integer IMMUTABLE LANGUAGE plpgsql
		AS $$BEGIN PERFORM pg_advisory_xact_lock(77); RETURN 1; END$$});
my $blocker = $claim->session;

my %reaches_a_hook = (
	'a query' => 'SELECT 1',
	'an INSERT' => 'INSERT INTO item VALUES (1)',
	'a BEGIN' => 'BEGIN',
	'a ROLLBACK' => 'ROLLBACK',
	'a SET' => "SET work_mem = '5MB'",
	'a statement that fails' => 'SELECT 1/0');

for my $state ('idle', 'idle in transaction')
{
	for my $point ('judged', 'undecided', 'looked')
	{
		for my $name (sort keys %reaches_a_hook)
		{
			subtest "$name at \"$point\", $state" => sub {
				my $victim = $claim->session;
				$victim->query('BEGIN') if $state ne 'idle';
				$claim->hold_terminate($point, $victim);
				$victim->{error} = undef;
				$victim->send_query($reaches_a_hook{$name});
				# What writes waits for the reaper before it commits.
				my $waits = $name eq 'an INSERT' && $state eq 'idle' && $point ne 'judged';
				$waits ? $claim->{server}->until_of($victim, 'state', 'active') : $victim->wait_ready;
				is($claim->outcome, 'spared: woke up', 'spared');
				$victim->wait_ready if $waits;
				is($victim->{error} ? $victim->{error}{C} : '', $name =~ /fails/ ? '22012' : '', 'completes');
				$victim->query('ROLLBACK');
				ok($victim->alive, 'the session lives');
				$victim->quit;
			};
		}
	}

	# PostgreSQL reports the command, but it has reached no hook yet.  "swapped" comes
	# after the second swap: there only the last look can tell.
	for my $point ('judged', 'undecided', 'looked', 'swapped')
	{
		subtest "a command that waits in analysis at \"$point\", $state" => sub {
			my $victim = $claim->session;
			$victim->query('BEGIN') if $state ne 'idle';
			$blocker->query('BEGIN; LOCK TABLE locked');
			$claim->hold_terminate($point, $victim);
			$victim->send_query(q{INSERT INTO item SELECT id FROM locked});
			$claim->until_blocked($victim);
			is($claim->outcome, 'spared: woke up', 'spared');
			$blocker->query('COMMIT');
			$victim->{error} = undef;
			$victim->wait_ready;
			is($victim->{error}, undef, 'completes');
			$victim->query('ROLLBACK');
			ok($victim->alive, 'the session lives');
			$victim->quit;
		};
	}

	for my $point ('judged', 'undecided', 'looked')
	{
		subtest "a function that the planner folds at \"$point\", $state" => sub {
			my $victim = $claim->session;
			$victim->query('BEGIN') if $state ne 'idle';
			$blocker->query('SELECT pg_advisory_lock(77)');
			$claim->hold_terminate($point, $victim);
			$victim->send_query('SELECT folded()');
			$claim->until_blocked($victim, 77);
			is($claim->outcome, 'spared: woke up', 'spared');
			$blocker->query('SELECT pg_advisory_unlock(77)');
			is($claim->answer($victim), '1', 'completes');
			$victim->query('ROLLBACK');
			$victim->quit;
		};
	}
}

# A command that gets to its start while the claim is not decided waits for the
# decision; it was reported before the last look, and so it runs.
subtest 'a command that starts at "swapped"' => sub {
	my $victim = $claim->session;
	$claim->hold_terminate('swapped', $victim);
	$victim->send_query(q{SELECT nextval('executed')});
	$claim->{server}->until_of($victim, 'state', 'active');
	is($claim->executed, '0', 'it has not run');
	is($claim->outcome, 'spared: woke up', 'spared');
	is($claim->answer($victim), '1', 'it runs');
	ok($victim->alive, 'the session lives');
};

subtest 'a failed transaction, whose commands reach no hook' => sub {
	for my $point ('judged', 'undecided', 'looked')
	{
		my $victim = $claim->session;
		$victim->query('BEGIN');
		$victim->try('SELECT 1/0');
		$claim->hold_terminate($point, $victim);
		is($victim->sqlstate('SELECT 1'), '25P02', "answered at \"$point\"");
		is($claim->outcome, 'spared: woke up', 'spared');
		$victim->query('ROLLBACK');
		ok($victim->alive, 'the session lives');
		$victim->quit;
	}
};

subtest 'a message of the extended protocol' => sub {
	for my $point ('judged', 'undecided', 'looked')
	{
		my $victim = $claim->session;
		$victim->query('PREPARE prepared AS INSERT INTO item VALUES (2)');
		$claim->hold_terminate($point, $victim);
		$victim->send_message('B', "\0prepared\0" . pack('nnn', 0, 0, 0));
		$victim->send_message('E', "\0" . pack('N', 0));
		$victim->send_message('S', '');
		$claim->{server}->until_of($victim, 'statements', '2') if $point ne 'judged';
		$victim->{error} = undef;
		$victim->wait_ready if $point eq 'judged';
		is($claim->outcome, 'spared: woke up', 'spared');
		$victim->wait_ready if $point ne 'judged';
		is($victim->{error}, undef, "completes at \"$point\"");
		$victim->quit;
	}
};

# Nobody comes: the session is ended from every point.
for my $point ('judged', 'undecided', 'looked', 'swapped', 'claimed')
{
	my $victim = $claim->session;
	$claim->hold_terminate($point, $victim);
	is($claim->outcome, 'ended', "an idle session is ended from \"$point\" on");
	is($victim->last_words->{C}, '57P01', 'and told so');
}

done_testing();
