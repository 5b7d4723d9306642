# leash.terminate: whom it ends, whom it refuses to end, and what the victim and the
# server's log are told.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('terminate');
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');
$admin->query('CREATE ROLE plain LOGIN');
$admin->query('CREATE ROLE other LOGIN');
$admin->query('CREATE ROLE signaller LOGIN IN ROLE pg_signal_backend');
$admin->query('GRANT ALL ON things TO plain');

sub gone
{
	my ($client, $what) = @_;
	is($server->value("SELECT count(*) FROM pg_stat_activity WHERE pid = $client->{pid}"), '0', "$what: its process is gone");
	is($server->value("SELECT count(*) FROM leash.sessions WHERE pid = $client->{pid}"), '0', "$what: its row is gone");
	return;
}

subtest 'an idle session' => sub {
	my $victim = $server->session;
	$victim->query('SELECT 1');
	$server->until_at_rest($victim);
	is($server->terminate($victim, reason => 'nobody needs it'), 'ended', 'ended');
	my $told = $victim->last_words;
	is($told->{S}, 'FATAL', 'the victim is told');
	is($told->{C}, '57P01', 'by SQLSTATE');
	like($told->{D}, qr/^pg_leash ended this session for role "postgres": nobody needs it\. It was idle for \S+\.$/,
		'by whom and why');
	like($told->{H}, qr/connect again and retry/, 'and what to do');
	gone($victim, 'idle');
	is($server->terminate($victim), 'gone', 'once only');
};

subtest 'a session idle in transaction' => sub {
	my $victim = $server->session(user => 'plain');
	$victim->query('BEGIN');
	$victim->query("INSERT INTO things VALUES (1) /*route='cart'*/");
	$victim->query('SELECT 1');
	$server->until_at_rest($victim);
	my $log_begins = -s $server->node->logfile;
	is($server->terminate($victim), 'ended', 'ended');
	my $told = $victim->last_words;
	is($told->{C}, '57P01', 'the victim is told');
	like($told->{D},
		qr/^pg_leash ended this session for role "postgres"\. It was idle in transaction for \S+\. Its transaction was opened by: INSERT INTO things VALUES \(1\)/,
		'what opened the transaction');
	like($told->{H}, qr/^End every transaction with COMMIT or ROLLBACK/, 'and what to do');
	gone($victim, 'idle in transaction');
	is($server->value('SELECT count(*) FROM things'), '0', 'its transaction was rolled back');
	my $log = substr slurp_file($server->node->logfile), $log_begins;
	like($log, qr/FATAL:  terminating connection due to administrator command\n.*DETAIL:  pg_leash ended this session.*opened by: INSERT INTO things/,
		'the log has the reason too');
	like($log, qr/HINT:  End every transaction/, 'and the hint');
};

subtest 'a session in a failed transaction' => sub {
	my $victim = $server->session;
	$victim->query('BEGIN');
	$victim->query("SELECT 'opener'");
	$victim->try('SELECT 1 / 0');
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'ended', 'ended');
	like($victim->last_words->{D}, qr/idle in transaction \(aborted\) for .*opened by: SELECT 'opener'/, 'the reason');
};

subtest 'a session that never sent a statement' => sub {
	my $victim = $server->session;
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'ended', 'ended');
	is($victim->last_words->{C}, '57P01', 'told');
};

subtest 'a statement that follows the end never runs' => sub {
	my $victim = $server->session;
	$victim->query('SELECT 1');
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'ended', 'ended');
	$victim->send_query('INSERT INTO things VALUES (2)');
	$victim->last_words;
	is($server->value('SELECT count(*) FROM things'), '0', 'nothing was inserted');
};

subtest 'an active session' => sub {
	$admin->query('SELECT pg_advisory_lock(1)');
	my $victim = $server->session;
	$victim->send_query('SELECT pg_advisory_lock(1)');
	$server->until_of($victim, 'wait_event', 'advisory');
	is($server->terminate($victim), 'refused: active', 'refused');
	is($server->of($victim, 'state'), 'active', 'and untouched');
	is($server->terminate($victim, force => 1, reason => 'all must go'), 'ended', 'ended with force');
	my $told = $victim->last_words;
	is($told->{C}, '57P01', 'the victim is told');
	like($told->{D}, qr/: all must go\. It was active for/, 'and why');
	gone($victim, 'active');
	$admin->query('SELECT pg_advisory_unlock(1)');
};

subtest 'a session that listens' => sub {
	my $victim = $server->session;
	$victim->query('LISTEN channel');
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'exempt: listens', 'is spared');
	ok($victim->alive, 'and alive');
	is($server->terminate($victim, force => 1), 'ended', 'ended with force');
};

subtest 'a session with an advisory lock' => sub {
	my $victim = $server->session;
	$victim->query('SELECT pg_advisory_lock(2)');
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'exempt: holds an advisory lock', 'is spared');
	is($server->terminate($victim, force => 1), 'ended', 'ended with force');
	$victim = $server->session;
	$victim->query('BEGIN');
	$victim->query('SELECT pg_advisory_xact_lock(2)');
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'exempt: holds an advisory lock', 'also within a transaction');
	$victim->query('ROLLBACK');
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'ended', 'ended once the lock is given back');
};

subtest 'a client that does not read' => sub {
	my $victim = $server->session;
	$victim->send_query('SELECT repeat(i::text, 1000) FROM generate_series(1, 100000) i');
	$server->until_of($victim, 'wait_event', 'ClientWrite');
	is($server->terminate($victim), 'refused: active', 'in the middle of a result: refused');
	is($server->terminate($victim, force => 1), 'ended', 'ended with force');

	# Each result fits into the server's buffer: it is their end that waits.
	$victim = $server->session;
	$victim->send_queries(("SELECT repeat('x', 4000)") x 1000);
	$server->until_of($victim, "state || ' ' || wait_event", 'idle ClientWrite');
	is($server->terminate($victim), 'refused: its client does not read', 'at the end of a result: refused');
	is($server->terminate($victim, force => 1), 'ended', 'ended with force');
};

subtest 'a session whose state is unknown' => sub {
	my $victim = $server->session;
	$victim->query('SET track_activities = off');
	$server->until_of($victim, 'state', 'disabled');
	is($server->terminate($victim), 'refused: state unknown', 'refused');
	ok($victim->alive, 'and alive');
	is($server->terminate($victim, force => 1), 'ended', 'ended with force');
};

subtest 'a session that is not there' => sub {
	my $victim = $server->session;
	my $id = $server->session_id($victim);
	my ($start, $pid) = split /\./, $id;
	is($server->value(sprintf "SELECT leash.terminate('%x.%s')", hex($start) - 1, $pid), 'gone',
		'the right process, another time');
	ok($victim->alive, 'is not touched');
	$victim->quit;
	$server->until("SELECT count(*) FROM leash.sessions WHERE session_id = '$id'", '0');
	is($server->terminate($victim), 'gone', 'one that ended by itself');
	is($server->terminate($victim, force => 1), 'gone', 'also with force');
	is($server->cancel($victim), 'gone', 'also to cancel');
};

subtest 'who may' => sub {
	my $signaller = $server->session(user => 'signaller');
	my $other = $server->session(user => 'other');
	my $victim = $server->session(user => 'plain');
	my $super = $server->session;
	$_->query('SELECT 1') for $victim, $super;
	$server->until_at_rest($_) for $victim, $super;

	is($server->terminate($super, as => $signaller), '42501', 'pg_signal_backend: not a superuser\'s session');
	is($server->terminate($super, as => $signaller, force => 1), '42501', '... nor with force');
	ok($super->alive, '... which lives');
	is($server->terminate($victim, as => $other), '42501', 'nobody: not without EXECUTE');
	$admin->query('GRANT USAGE ON SCHEMA leash TO plain, other');
	$admin->query('GRANT EXECUTE ON FUNCTION leash.terminate(text, text, boolean) TO plain, other');
	is($server->terminate($victim, as => $other), '42501', 'with EXECUTE: not another role\'s session');
	is($server->terminate($super, as => $other), '42501', '... nor a superuser\'s');
	ok($victim->alive, '... which lives');
	$server->until_at_rest($victim);
	is($server->terminate($victim, as => $signaller), 'ended', 'pg_signal_backend: any other session');
	like($victim->last_words->{D}, qr/for role "signaller"/, '... and is named');

	my $own = $server->session(user => 'plain');
	$victim = $server->session(user => 'plain');
	$victim->query('SELECT 1');
	$server->until_at_rest($victim);
	is($server->terminate($victim, as => $own), 'ended', 'with EXECUTE: a session of one\'s own role');
	is($server->terminate($own, as => $own), 'refused: own session', 'but not one\'s own session');
	$admin->query('GRANT plain TO other');
	is($server->terminate($own, as => $other), 'ended', 'with EXECUTE and membership: the session of a role one is in');

	# the role that logged in counts, not the one that was SET
	$victim = $server->session;
	$victim->query('SET ROLE plain');
	$server->until_at_rest($victim);
	is($server->terminate($victim, as => $signaller), '42501', 'a superuser who became somebody else is one still');
};

subtest 'reasons of any kind' => sub {
	my %reason = (
		'no reason' => undef,
		'an empty one' => '',
		'a long one' => 'ä' x 1000,
		'one with a format in it' => '%s %n %1$s',
		'one with control characters' => "a\nb\tc\e[2J");
	for my $what (sort keys %reason)
	{
		my $victim = $server->session;
		$server->until_at_rest($victim);
		is($server->terminate($victim, reason => $reason{$what}), 'ended', "$what: ended");
		my $detail = $victim->last_words->{D};
		ok(utf8::decode($detail), "$what: the detail is whole characters");
		like($detail, qr/^pg_leash ended this session for role "postgres"/, "$what: the detail");
		like($detail, qr/\Q$reason{$what}\E/, "$what: as it was given") if $what =~ /format/;
	}
};

# A slot is used again, and says nothing of the session before.
subtest 'the next session' => sub {
	my $next = $server->session(user => 'plain');
	$server->until_at_rest($next);
	is($server->of($next, "usename || ' ' || statements || ' ' || coalesce(opener, 'no opener')"), 'plain 0 no opener', 'starts afresh');
	is($server->terminate($next), 'ended', 'and can be ended');
};

done_testing();
