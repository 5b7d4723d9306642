# Modes, the steps of an escalation, and what holds policies back: keep, brake, pressure
# and breaker.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start('steps', conf => [ 'max_connections = 30', 'superuser_reserved_connections = 2' ]);
my $admin = $server->{admin};
my %age = (idle_for => q('200ms'));

sub setting
{
	my ($name, $value) = @_;
	$admin->query("ALTER SYSTEM SET $name = '$value'");
	$admin->query('SELECT pg_reload_conf()');
	$server->until("SELECT current_setting('$name')", $value);
	$server->rounds_pass;
	return;
}

sub idle { return $server->victim(queries => ['SELECT 1'], @_); }

sub log_since
{
	my ($begins) = @_;
	return substr slurp_file($server->node->logfile), $begins;
}

# The time between the steps taken about a session, each at least that of the grace.
sub graces
{
	my ($client, $grace) = @_;
	return $server->value(
		"SELECT coalesce(bool_and(decided_at - before >= '$grace'), true)
		   FROM (SELECT decided_at, lag(decided_at) OVER (ORDER BY id) AS before FROM leash.reap_log
		          WHERE session_id = '$client->{session_id}') step");
}

# ---- modes -------------------------------------------------------------------

subtest 'observe' => sub {
	my $begins = -s $server->node->logfile;
	my $victim = idle();
	$server->policy('watch', mode => q('observe'), action => q('terminate'), %age);
	is($server->until_journal($victim, 'would'), 'would', 'what would have happened');
	is($server->journal($victim, 'mode, action, took'), 'observe|terminate|', 'the row');
	$server->rounds_pass;
	is($server->journal($victim), 'would', 'once');
	$victim->query('SELECT 1');
	is($server->until_journal($victim, 'would,would'), 'would,would', 'and once more for the next idle period');
	unlike(log_since($begins), qr/pg_leash: terminate/, 'nothing of it in the log');

	$admin->query(q(UPDATE leash.policies SET mode = 'enforce'));
	is($server->until_journal($victim, 'would,would,ended'), 'would,would,ended', 'enforced, it acts on what was observed');
	$server->no_policies;
};

subtest 'pg_leash.reaping bounds all' => sub {
	my $victim = idle();
	setting('pg_leash.reaping', 'observe');
	$server->policy('bounded', action => q('terminate'), %age);
	is($server->until_journal($victim, 'would'), 'would', 'observe');
	is($server->journal($victim, 'mode'), 'observe', 'the mode in force');
	setting('pg_leash.reaping', 'off');
	my $next = idle();
	$server->rounds_pass;
	is($server->journal($next), '', 'off: nothing');
	is(scalar @{ $admin->query('SELECT * FROM leash.reap()') }, 0, 'nor by leash.reap()');
	is(scalar @{ $admin->query('SELECT * FROM leash.reap(false)') }, 0, 'nor by leash.reap(false)');
	setting('pg_leash.reaping', 'enforce');
	is($server->until_journal($victim, 'would,ended'), 'would,ended', 'enforce');
	is($server->until_journal($next, 'ended'), 'ended', 'all');
	$server->no_policies;
};

subtest 'a dry run' => sub {
	my $victim = idle();
	my $other = idle();
	# by nobody but this test
	$admin->query($_) for q(ALTER SYSTEM SET pg_leash.check_interval = '1h'), 'SELECT pg_reload_conf()';
	$server->until('SELECT rounds = (SELECT rounds FROM leash.worker, pg_sleep(0.3)) FROM leash.worker');
	$server->policy('dry', action => q('terminate'), idle_for => q('1ms'), keep => '0');
	my $rows = 'policy, mode, action, outcome, usename, id, took';
	$server->until("SELECT count(*) FROM leash.reap() WHERE outcome = 'would'", '2');
	is($server->value("SELECT $rows FROM leash.reap() WHERE session_id = '$victim->{session_id}'"),
		'dry|enforce|terminate|would|postgres||', 'shows what would be done now');
	is($server->journal($victim), '', 'writes no row');
	ok($victim->alive, 'ends nobody');
	is($server->value("SELECT count(*) FROM leash.reap() WHERE session_id = '" . $server->session_id($admin) . "'"), '0', 'not the caller');
	$server->until_at_rest($_) for $victim, $other;
	is($server->value("SELECT DISTINCT policy, by, outcome, took > '0' FROM leash.reap(false)"), 'dry|postgres|ended|t',
		'leash.reap(false) does it, and waits for the end');
	is($victim->last_words->{C}, '57P01', 'the victim is gone');
	is($server->journal($other, 'by, outcome'), 'postgres|ended', 'with a row');
	setting('pg_leash.check_interval', '100ms');
	$server->no_policies;
};

# ---- steps -------------------------------------------------------------------

subtest 'log' => sub {
	my $begins = -s $server->node->logfile;
	$server->policy('say', action => q('log'), %age);
	my $victim = idle();
	is($server->until_journal($victim, 'logged'), 'logged', 'journaled');
	$server->rounds_pass;
	is($server->journal($victim), 'logged', 'once');
	my @lines = log_since($begins) =~ /LOG:  pg_leash: log session \Q$victim->{session_id}\E pid=\d+: logged policy="say"/g;
	is(scalar @lines, 1, 'logged once');
	ok($victim->alive, 'the session lives');
	is($server->until_journal($victim, 'logged,logged'), 'logged,logged', 'and again when it is idle for as long again');
	$victim->quit;
	$server->no_policies;
};

subtest 'a policy that observes from now on' => sub {
	$server->policy('turns', action => q('log'), %age);
	my $victim = idle();
	is($server->until_journal($victim, 'logged'), 'logged', 'has acted before');
	$admin->query(q(UPDATE leash.policies SET mode = 'observe', action = 'terminate'));
	is($server->until_journal($victim, 'logged,would'), 'logged,would', 'says what it would have done');
	$admin->query(q(UPDATE leash.policies SET name = 'turned'));
	is($server->until_journal($victim, 'logged,would,would'), 'logged,would,would', 'as does another policy');
	$server->rounds_pass;
	is($server->journal($victim, 'policy'), "turns\nturns\nturned", 'once');
	$victim->hang_up;
	$server->no_policies;
};

subtest 'notify' => sub {
	my $listener = $server->session;
	$listener->query('LISTEN pg_leash');
	my @victim = map { idle(application => 'victims of notice') } 1 .. 3;
	$server->until_at_rest($_) for @victim;
	setting("pg_leash.idle_threshold", '100ms');
	$server->policy('he said "no"', action => q('notify'), %age);
	$server->until_journal($_, 'notified') for @victim;
	is($server->journal($victim[0]), 'notified', 'journaled');
	my %seen;
	while (keys %seen < 3)
	{
		my ($type, $body) = $listener->read_message;
		$seen{$1} = $2 if $type eq 'A' && $body =~ /"session_id":"(\S+?)".*?"leaked_seconds":\d+,"sessions":(\d)/;
		if ($type eq 'A' && $body =~ /\Q$victim[0]{session_id}\E/)
		{
			like($body, qr/^....pg_leash\0\{"policy":"he said \\"no\\"","session_id":"\Q$victim[0]{session_id}\E","kind":"unused","leaked_seconds":0,"sessions":[1-3]\}\0$/s,
				'the payload, and nothing more');
		}
	}
	is(join(',', sort keys %seen), join(',', sort map { $_->{session_id} } @victim), 'each is notified of');
	$_->alive or fail('notified of, and dead') for @victim;
	$server->no_policies;
	setting("pg_leash.idle_threshold", '0');
	$_->quit for @victim, $listener;
};

subtest 'an escalation against an idle session' => sub {
	$server->policy('slowly', action => q('terminate'), %age, grace => q('400ms'));
	my $victim = idle();
	is($server->until_journal($victim, 'notified,ended'), 'notified,ended', 'no cancel, which would do nothing');
	is(graces($victim, '399ms'), 't', 'each a grace after the one before');
	$server->no_policies;
};

subtest 'a session that wakes up begins anew' => sub {
	$server->policy('anew', action => q('terminate'), %age, grace => q('600ms'));
	my $victim = idle();
	for my $round (1 .. 3)
	{
		my $expected = join ',', ('notified') x $round;
		is($server->until_journal($victim, $expected), $expected, "notified in idle period $round");
		$victim->query('SELECT 1');
	}
	ok($server->lives($victim), 'it lives');
	is($server->until_journal($victim, 'notified,notified,notified,notified,ended'), 'notified,notified,notified,notified,ended', 'until it rests');
	$server->no_policies;
};

subtest 'cancel' => sub {
	$server->policy('short', action => q('cancel'), statement_for => q('300ms'));
	my $victim = $server->victim;
	$victim->send_query('SELECT pg_sleep(600)');
	$victim->wait_ready;
	is($victim->{error}{C}, '57014', 'the statement is cancelled');
	is($server->until_journal($victim, 'cancelled'), 'cancelled', 'journaled');
	is($server->journal($victim, q(action, took > '0', leaked_for >= '300ms')), 'cancel|t|t', 'with its facts');
	ok($victim->alive, 'the session lives');
	my $copies = $server->victim;
	$copies->query('CREATE TEMP TABLE mine (a integer)');
	$copies->send_query('COPY mine FROM STDIN');
	$server->until_of($copies, "state || ' ' || wait_event", 'active ClientRead');
	$server->until("SELECT statement_for > '400ms' FROM leash.sessions WHERE session_id = '$copies->{session_id}'");
	$server->rounds_pass;
	is($server->journal($copies), '', 'not where a cancel does nothing');
	$_->hang_up for $victim, $copies;
	$server->no_policies;
};

subtest 'an escalation against a statement' => sub {
	$admin->query(q{CREATE FUNCTION stubborn() RETURNS void LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM pg_sleep(600);
		EXCEPTION WHEN query_canceled THEN
			PERFORM pg_sleep(600);
		END $$});
	$server->policy('harder', action => q('terminate'), statement_for => q('200ms'), grace => q('300ms'));
	my $obeys = $server->victim;
	$obeys->send_query('SELECT pg_sleep(600)');
	my $stubborn = $server->victim;
	$stubborn->send_query('SELECT stubborn()');
	$obeys->wait_ready;
	is($obeys->{error}{C}, '57014', 'cancelled');
	is($server->until_journal($obeys, 'notified,cancelled'), 'notified,cancelled', 'notified first');
	is($stubborn->last_words->{C}, '57P01', 'who is not moved by a cancel is ended');
	like($stubborn->{error}{D}, qr/by policy "harder" after it was active for/, 'and told why');
	is($server->until_journal($stubborn, 'notified,still running,ended'), 'notified,still running,ended', 'step by step');
	is(graces($stubborn, '299ms'), 't', 'each a grace after the one before');
	is($server->journal($obeys), 'notified,cancelled' =~ s/,/\n/r, 'the first one is left alone');
	ok($obeys->alive, 'and lives');
	$server->no_policies;
};

# A cancel on the way there is no end, and uses up no brake.
subtest 'an escalation with a brake' => sub {
	$server->policy('harder', action => q('terminate'), statement_for => q('200ms'), grace => q('200ms'), max_per_minute => '1');
	my $stubborn = $server->victim;
	$stubborn->send_query('SELECT stubborn()');
	is($server->until_journal($stubborn, 'notified,still running,ended'), 'notified,still running,ended', 'goes to its end');
	$server->no_policies;
};

# A statement that ends by itself, and the next one: another case.
subtest 'statements that are short' => sub {
	$server->policy('long ones', action => q('cancel'), statement_for => q('500ms'));
	my $victim = $server->victim;
	for (1 .. 10)
	{
		$victim->query('SELECT pg_sleep(0.1)');
	}
	is($server->journal($victim), '', 'are not touched');
	$victim->quit;
	$server->no_policies;
};

# ---- what holds back ---------------------------------------------------------

subtest 'keep' => sub {
	my @pool = map { idle(application => 'victims in a pool') } 1 .. 6;
	$_->query('CREATE TEMP TABLE used (a integer); INSERT INTO used VALUES (1)') for @pool[ 2, 5 ];
	$server->policy('trim', action => q('terminate'), %age, keep => '2');
	is($server->until_journal($_, 'ended'), 'ended', 'the less useful are ended') for @pool[ 0, 1, 3, 4 ];
	$server->rounds_pass;
	is($server->journal($_), '', 'the ones of use are kept') for @pool[ 2, 5 ];
	is($server->value(q(SELECT string_agg(DISTINCT outcome, ',') FROM leash.reap())), 'refused: kept', 'a dry run says so');
	$_->quit for @pool[ 2, 5 ];
	$server->no_policies;
};

subtest 'brake' => sub {
	my @many = map { idle() } 1 .. 5;
	$server->policy('braked', action => q('terminate'), %age, max_per_minute => '2');
	my $rows = q(SELECT count(*) FROM leash.reap_log WHERE policy = 'braked' AND outcome = 'ended');
	is($server->until($rows, '2'), '2', 'as many as are allowed in a minute');
	$server->rounds_pass;
	is($server->value($rows), '2', 'and no more');
	is($server->value(q(SELECT count(*), min(outcome), max(outcome) FROM leash.reap())), '3|refused: brake|refused: brake', 'a dry run says so');
	# that a policy was changed gives it no new minute
	$admin->query(q(UPDATE leash.policies SET comment = 'changed', idle_for = '201ms'));
	$server->rounds_pass;
	is($server->value($rows), '2', 'also when it is changed');
	is($server->value(q(SELECT string_agg(DISTINCT outcome, ',') FROM leash.reap(false))), 'refused: brake', 'and by leash.reap(false)');
	$_->hang_up for @many;
	$server->no_policies;
};

subtest 'pressure' => sub {
	# 28 connections are usable; the admin has one
	my @load = map { idle() } 1 .. 20;
	$server->policy('pressed', action => q('terminate'), %age, pressure_above => '0.8', pressure_below => '0.5');
	$server->rounds_pass;
	is($server->value('SELECT used FROM leash.connections'), '21', 'below the upper mark nothing happens');
	push @load, map { idle() } 1 .. 3;
	is($server->until('SELECT used FROM leash.connections', '14'), '14', 'above it sessions are ended down to the lower mark');
	$server->rounds_pass;
	is($server->value('SELECT used FROM leash.connections'), '14', 'and no further');
	is($server->value(q(SELECT count(*) FROM leash.reap())), '0', 'the pressure is off');
	push @load, map { idle() } 1 .. 8;
	$server->rounds_pass;
	is($server->value('SELECT used FROM leash.connections'), '22', 'up to the upper mark again');
	$_->hang_up for @load;
	$server->until('SELECT used FROM leash.connections', '1');
	$server->no_policies;

	# who is not to be ended at first is ended later: between the marks it goes on
	@load = map { $server->victim(queries => [ 'BEGIN', 'SELECT 1' ]) } 1 .. 20;
	my @few = map { idle() } 1 .. 3;
	$server->policy('pressed', action => q('terminate'), %age, pressure_above => '0.8', pressure_below => '0.5', states => q('{idle}'));
	$server->until_journal($_, 'ended') for @few;
	is($server->until('SELECT used FROM leash.connections', '21'), '21', 'some can be ended at once');
	$server->rounds_pass;
	$_->query('COMMIT') for @load;
	is($server->until('SELECT used FROM leash.connections', '14'), '14', 'the others later, although the upper mark is not reached');
	$_->hang_up for @load;
	$server->no_policies;
};

subtest 'breaker' => sub {
	my $begins = -s $server->node->logfile;
	$server->policy('whack', action => q('terminate'), %age);
	my $left;
	for my $time (1 .. 8)
	{
		my $mole = idle(application => 'victim mole');
		$server->until("SELECT count(*) FROM leash.reap_log WHERE session_id = '$mole->{session_id}' AND outcome <> 'still exiting'", '1');
		$left = $mole if $server->journal($mole) ne 'ended';
		last if $left;
	}
	ok($left, 'sessions that come back at once are not ended for ever') or return;
	is($server->journal($left), 'refused: breaker', 'the row');
	$server->rounds_pass;
	is($server->journal($left), 'refused: breaker', 'once');
	ok($server->lives($left), 'it lives');
	my $log = log_since($begins);
	my @lines = $log =~ /pg_leash: policies spare a group for 10min.*/g;
	is(scalar @lines, 1, 'one line in the log');
	like($lines[0], qr/user="postgres" database="postgres" application="victim mole" address=local/, 'names the group');
	my $other = idle(application => 'victim of another group');
	is($server->until_journal($other, 'ended'), 'ended', 'other groups are not spared');
	is($server->value(q(SELECT outcome FROM leash.reap())), 'refused: breaker', 'a dry run says so');
	$left->hang_up;
	$server->no_policies;
};

# A client that leaks one session after the other opens them anyway.
subtest 'a steady leak has not come back' => sub {
	$server->policy('leaks', action => q('terminate'), idle_for => q('500ms'));
	my @leaked;
	while ($server->value(q(SELECT count(*) FROM leash.reap_log WHERE policy = 'leaks' AND outcome = 'ended')) < 20 && @leaked < 100)
	{
		push @leaked, idle(application => 'victims of a leak');
		$server->until(sprintf 'SELECT rounds > %d FROM leash.worker', $server->value('SELECT rounds FROM leash.worker'));
	}
	is($server->value(q(SELECT count(*) FROM leash.reap_log WHERE policy = 'leaks' AND outcome = 'refused: breaker')), '0', 'nobody is spared');
	ok(@leaked < 60, 'and all are ended');
	$_->hang_up for @leaked;
	$server->no_policies;
};

is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker met no error');
done_testing();
