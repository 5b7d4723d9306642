# A cancel hits the message that was judged, or none: whatever happens to that
# message meanwhile, and whatever its session is asked next.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClaimTest;
use Test::More;

my $claim = ClaimTest->start('cancel');
$claim->{server}{admin}->query('CREATE TABLE locked (id integer); INSERT INTO locked VALUES (1)');
my $blocker = $claim->session;

# Much to do, and in every loop a chance to be cancelled.
my $long = 'SELECT count(*) FROM generate_series(1, 100000)';

sub next_is_unharmed
{
	my ($victim) = @_;
	is($victim->try($long)->[0][0], '100000', 'the next statement is not');
	is($victim->{error}, undef, 'and sees no error');
	return;
}

# $sql waits for advisory lock 77 while a cancel is held at $point; then the lock is
# given, and the session comes to the end of the statement.
sub ends_at
{
	my ($point, $victim, $sql) = @_;
	$blocker->query('SELECT pg_advisory_lock(77)');
	$victim->{error} = undef;
	$victim->send_query($sql);
	$claim->until_blocked($victim, 77);
	$claim->hold_cancel($point, $victim);
	$blocker->query('SELECT pg_advisory_unlock(77)');
	return;
}

for my $block (0, 1)
{
	my $where = $block ? 'in a transaction' : 'outside';

	subtest "a statement that ends at \"judged\", $where" => sub {
		my $victim = $claim->session;
		$victim->query('BEGIN') if $block;
		ends_at('judged', $victim, 'SELECT pg_advisory_lock(77)');
		$victim->wait_ready;
		is($victim->{error}, undef, 'it completes');
		is($claim->outcome, 'too late', 'the cancel comes too late');
		next_is_unharmed($victim);
		$victim->quit;
	};

	subtest "one that ends at \"judged\" and is followed by another, $where" => sub {
		my $victim = $claim->session;
		$victim->query('BEGIN') if $block;
		ends_at('judged', $victim, 'SELECT pg_advisory_lock(77)');
		$victim->wait_ready;
		$blocker->query('SELECT pg_advisory_lock(78)');
		$victim->send_query('SELECT pg_advisory_lock(78)');
		$claim->until_blocked($victim, 78);
		is($claim->outcome, 'too late', 'the cancel comes too late');
		$blocker->query('SELECT pg_advisory_unlock(78)');
		$victim->wait_ready;
		is($victim->{error}, undef, 'the other completes');
		$victim->quit;
	};

	# With a cancel in flight the statement's end waits for it.
	for my $point ('undecided', 'claimed')
	{
		for my $kind ('a query', 'a statement that writes', 'a utility statement', 'a statement that fails')
		{
			subtest "$kind that ends at \"$point\", $where" => sub {
				my %sql = (
					'a query' => 'SELECT pg_advisory_lock(77)',
					'a statement that writes' => 'INSERT INTO item SELECT 1 FROM (SELECT pg_advisory_lock(77) OFFSET 0) w',
					'a utility statement' => 'DO $$BEGIN PERFORM pg_advisory_lock(77); END$$',
					'a statement that fails' => 'SELECT 1 / length(pg_advisory_lock(77)::text)');
				my $victim = $claim->session;
				$victim->query('BEGIN') if $block;
				ends_at($point, $victim, $sql{$kind});
				$claim->until_unblocked($victim);
				is($claim->{server}->of($victim, 'state'), 'active', 'it is not answered');
				is($claim->outcome, 'cancelled', 'the cancel hits it');
				$victim->wait_ready;
				like($victim->{error} ? $victim->{error}{C} : '',
					$kind =~ /fails/ ? qr/^(57014|22012)$/ : qr/^(57014|)$/, 'or finds it at its end');
				$victim->query('ROLLBACK');
				next_is_unharmed($victim);
				$victim->quit;
			};
		}
	}
}

# A cancel that was received and not acted upon yet, when the commit begins.
subtest 'a statement that has ended and not committed' => sub {
	my $victim = $claim->session;
	ends_at('claimed', $victim, 'INSERT INTO item SELECT 42 FROM (SELECT pg_advisory_lock(77) OFFSET 0) w');
	$claim->until_unblocked($victim);
	is($claim->outcome, 'cancelled', 'cancelled');
	$victim->wait_ready;
	is($victim->{error}{C}, '57014', 'its client is told');
	is($claim->value('SELECT count(*) FROM item WHERE id = 42'), '0', 'and it is not committed');
	$victim->quit;
};

subtest 'a statement that waits in analysis' => sub {
	for my $point ('judged', 'undecided', 'claimed')
	{
		my $victim = $claim->session;
		$blocker->query('BEGIN; LOCK TABLE locked');
		$victim->send_query('SELECT * FROM locked');
		$claim->until_blocked($victim);
		$claim->hold_cancel($point, $victim);
		is($claim->outcome, 'cancelled', "cancelled from \"$point\" on");
		$victim->{error} = undef;
		$victim->wait_ready;
		is($victim->{error}{C}, '57014', 'its client is told');
		$blocker->query('COMMIT');
		next_is_unharmed($victim);
		$victim->quit;
	}
};

# It has no end but its analysis: what comes next is another message.
subtest 'a Parse message' => sub {
	for my $point ('undecided', 'claimed')
	{
		for my $block (0, 1)
		{
			my $victim = $claim->session;
			$victim->query("PREPARE other AS $long");
			$victim->query('BEGIN') if $block;
			$blocker->query('BEGIN; LOCK TABLE locked');
			$victim->send_message('P', "waits\0SELECT * FROM locked\0" . pack('n', 0));
			$victim->send_message('S', '');
			$claim->until_blocked($victim);
			$claim->hold_cancel($point, $victim);
			$blocker->query('COMMIT');
			$claim->until_unblocked($victim);
			$victim->send_message('B', "\0other\0" . pack('nnn', 0, 0, 0));
			$victim->send_message('E', "\0" . pack('N', 0));
			$victim->send_message('S', '');
			is($claim->outcome, 'cancelled', "the cancel at \"$point\" finds it");
			$victim->{error} = undef;
			$victim->wait_ready;
			my $cancelled = $victim->{error} && $victim->{error}{C} eq '57014';
			$victim->{error} = undef;
			my $rows = $victim->wait_ready;
			is($victim->{error} ? $victim->{error}{C} : '', $block && $cancelled ? '25P02' : '', 'the next message is not hit');
			$victim->quit;
		}
	}
};

# Analysis fails for another reason, and no hook but the transaction's end sees it:
# nothing is logged.
subtest 'a statement that fails in analysis' => sub {
	for my $logged ('error', 'fatal')
	{
		for my $block (0, 1)
		{
			my $victim = $claim->session;
			$victim->query("SET log_min_messages = $logged");
			$victim->query('BEGIN') if $block;
			$blocker->query('BEGIN; LOCK TABLE locked');
			$victim->send_query('SELECT absent FROM locked');
			$claim->until_blocked($victim);
			$claim->hold_cancel('claimed', $victim);
			$blocker->query('COMMIT');
			$claim->until_unblocked($victim);
			# The next statement is sent already, and will wait.
			$blocker->query('SELECT pg_advisory_lock(79)');
			$victim->send_query('ROLLBACK; SELECT pg_advisory_lock(79)');
			is($claim->outcome, 'cancelled', "the cancel finds it, log_min_messages = $logged");
			$victim->{error} = undef;
			$victim->wait_ready;
			like($victim->{error}{C}, qr/^(57014|42703)$/, 'it fails');
			$blocker->query('SELECT pg_advisory_unlock(79)');
			$victim->{error} = undef;
			$victim->wait_ready;
			is($victim->{error}, undef, 'the next statement does not');
			$victim->quit;
		}
	}
};

subtest 'a session that runs nothing' => sub {
	my $victim = $claim->session;
	my $cancel = "SELECT leash.cancel('$victim->{session_id}')";
	$claim->{server}->until_at_rest($victim);
	is($claim->value($cancel), 'refused: runs no statement', 'idle');
	$victim->query('BEGIN');
	$claim->{server}->until_at_rest($victim);
	is($claim->value($cancel), 'refused: runs no statement', 'idle in transaction');
	ok($victim->alive, 'and lives');
};

subtest 'two at once' => sub {
	my $victim = $claim->session;
	my $second = $claim->reaper;
	$blocker->query('SELECT pg_advisory_lock(77)');
	$victim->send_query('SELECT pg_advisory_lock(77)');
	$claim->until_blocked($victim, 77);
	$claim->hold_cancel('claimed', $victim);
	is($second->value("SELECT leash.cancel('$victim->{session_id}')"), 'too late', 'the second gives way');
	is($second->value("SELECT leash.terminate('$victim->{session_id}')"), 'refused: active', 'so does a reaper');
	is($claim->outcome, 'cancelled', 'the first has cancelled it');
	$victim->{error} = undef;
	$victim->wait_ready;
	is($victim->{error}{C}, '57014', 'once');
	next_is_unharmed($victim);
	$blocker->query('SELECT pg_advisory_unlock_all()');
};

done_testing();
