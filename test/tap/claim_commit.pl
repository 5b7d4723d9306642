# A session is ended by force while it commits: either the commit record is written
# and the session is left alone until it is done, or neither row nor record is there.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClaimTest;
use Test::More;

my $claim = ClaimTest->start('commit',
	init => { allows_streaming => 1 }, conf => ['max_prepared_transactions = 5']);
$claim->{server}{admin}->query(q{
	CREATE TABLE slow (id integer);
	CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql
		AS $$BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NULL; END$$;
	CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION wait_at_commit()});
my $blocker = $claim->session;
my $row = 0;

# The commit waits in a deferred trigger while a reaper is held at $point; then it
# goes on, up to its record.
sub commit_at
{
	my ($point, $victim, @sql) = @_;
	$blocker->query('SELECT pg_advisory_lock(77)');
	my $last = pop @sql;
	$victim->query($_) for @sql;
	$victim->{error} = undef;
	$victim->send_query($last);
	$claim->until_blocked($victim, 77);
	$claim->hold_terminate($point, $victim, force => 1);
	$blocker->query('SELECT pg_advisory_unlock(77)');
	return;
}

sub there
{
	return $claim->value("SELECT count(*) FROM slow WHERE id = $row");
}

for my $way ('a statement by itself', 'COMMIT', 'PREPARE TRANSACTION', 'COMMIT in a procedure')
{
	my %sql = (
		'a statement by itself' => sub { "INSERT INTO slow VALUES ($row)" },
		'COMMIT' => sub { ('BEGIN', "INSERT INTO slow VALUES ($row)", 'COMMIT') },
		'PREPARE TRANSACTION' => sub { ('BEGIN', "INSERT INTO slow VALUES ($row)", "PREPARE TRANSACTION 'row $row'") },
		'COMMIT in a procedure' => sub { "DO \$\$BEGIN INSERT INTO slow VALUES ($row); COMMIT; END\$\$" });

	# Not decided yet: whoever is first, the commit or the second swap, has its way.
	for my $point ('undecided', 'looked')
	{
		subtest "$way at \"$point\"" => sub {
			$row++;
			my $victim = $claim->session;
			commit_at($point, $victim, $sql{$way}->());
			$claim->until_unblocked($victim);
			is(there(), '0', 'it is not committed while a signal may come');
			my $outcome = $claim->outcome;
			like($outcome, qr/^(ended|refused: committing)$/, "outcome: $outcome");
			my $committed = $outcome ne 'ended';
			$committed ? $victim->wait_ready : $victim->last_words;
			is($victim->{error} ? $victim->{error}{C} : '', $committed ? '' : '57P01', 'its client is told that');
			if ($way =~ /PREPARE/)
			{
				is($claim->value('SELECT count(*) FROM pg_prepared_xacts'), $committed ? '1' : '0', 'it is prepared, or not');
				$claim->{server}{admin}->query("COMMIT PREPARED 'row $row'") if $committed;
			}
			is(there(), $committed ? '1' : '0', 'the row is there, or not');
			ok($committed ? $victim->alive : $claim->until_gone($victim), 'so is the session');
			$victim->quit;
		};
	}

	# The signal is on its way: the commit waits for it and takes it.
	subtest "$way at \"claimed\"" => sub {
		$row++;
		my $victim = $claim->session;
		commit_at('claimed', $victim, $sql{$way}->());
		$claim->until_unblocked($victim);
		is(there(), '0', 'it is not committed while a signal may come');
		is($claim->outcome, 'ended', 'ended');
		is($victim->last_words->{C}, '57P01', 'its client is told');
		ok($claim->until_gone($victim), 'it is gone');
		is(there(), '0', 'and so is its row');
		is($claim->value('SELECT count(*) FROM pg_prepared_xacts'), '0', 'and nothing was prepared');
	};

	subtest "$way at \"judged\"" => sub {
		$row++;
		my $victim = $claim->session;
		commit_at('judged', $victim, $sql{$way}->());
		$victim->wait_ready;
		is($victim->{error}, undef, 'the commit completes');
		is($claim->outcome, 'ended', 'the session is ended after it');
		is($victim->last_words->{C}, '57P01', 'and told so');
		if ($way =~ /PREPARE/)
		{
			is($claim->value('SELECT count(*) FROM pg_prepared_xacts'), '1', 'the transaction is prepared');
			$claim->{server}{admin}->query("COMMIT PREPARED 'row $row'");
		}
		is(there(), '1', 'the row is there');
	};
}

# Past its deferred triggers, but before its record: the commit waits for the lock of
# another's NOTIFY, which waits for a standby that there is not.  Nothing in
# PostgreSQL's own state tells yet that this is a commit; the claim word does.
subtest 'a commit that waits before its record' => sub {
	$row++;
	my $admin = $claim->{server}{admin};
	$admin->query('SET synchronous_commit = local');
	my $holder = $claim->session;
	my $victim = $claim->session;
	$victim->query($_) for ('SET synchronous_commit = local', 'BEGIN', "INSERT INTO slow VALUES ($row)", 'NOTIFY slow');
	$admin->query(q{ALTER SYSTEM SET synchronous_standby_names = 'nobody'});
	$claim->{server}->node->reload;
	$claim->{server}->until(q{SHOW synchronous_standby_names}, 'nobody');
	$holder->send_query(q{BEGIN; CREATE TABLE waits (); NOTIFY slow; COMMIT});
	$claim->{server}->until_of($holder, 'wait_event', 'SyncRep');
	is($claim->value("SELECT leash.terminate('$holder->{session_id}', NULL, true)"),
		'refused: committing', 'one that waits for a standby is left alone');
	$victim->send_query('COMMIT');
	$claim->until_blocked($victim);
	is($claim->{server}->of($victim, 'wait_event'), 'object', 'the commit waits for the lock of NOTIFY');
	is($claim->value("SELECT leash.terminate('$victim->{session_id}', NULL, true)"),
		'refused: committing', 'it is left alone, by force too');
	is($claim->value("SELECT leash.cancel('$victim->{session_id}')"),
		'too late', 'and not cancelled');
	$admin->query('ALTER SYSTEM RESET synchronous_standby_names');
	$claim->{server}->node->reload;
	$_->{error} = undef for $holder, $victim;
	$_->wait_ready for $holder, $victim;
	is($victim->{error}, undef, 'the commit completes');
	is(there(), '1', 'the row is there');
	is($claim->value("SELECT leash.terminate('$victim->{session_id}', NULL, true)"),
		'ended', 'then it can be ended');
};

# Without force a session that runs something is refused at once.
subtest 'a reaper without force' => sub {
	$row++;
	my $victim = $claim->session;
	$blocker->query('SELECT pg_advisory_lock(77)');
	$victim->send_query("INSERT INTO slow VALUES ($row)");
	$claim->until_blocked($victim, 77);
	is($claim->value("SELECT leash.terminate('$victim->{session_id}')"), 'refused: active', 'is refused');
	$blocker->query('SELECT pg_advisory_unlock(77)');
	$victim->wait_ready;
	is(there(), '1', 'the row is there');
};

# By force from every point, in every state.
for my $point ('judged', 'undecided', 'looked', 'claimed')
{
	my $idle = $claim->session;
	$claim->hold_terminate($point, $idle, force => 1);
	is($claim->outcome, 'ended', "an idle session is ended by force from \"$point\" on");
	my $active = $claim->session;
	$active->send_query('SELECT pg_sleep(3600)');
	$claim->{server}->until_of($active, 'wait_event', 'PgSleep');
	$claim->hold_terminate($point, $active, force => 1);
	is($claim->outcome, 'ended', "and an active one from \"$point\" on");
	is($active->last_words->{C}, '57P01', 'which is told so');
}

done_testing();
