# What a session that a policy ended is told, by its client's protocol and in the server's
# log, word by word alike: the policy, the measured age, what opened the transaction, and
# what to do.  PostgreSQL calls what we do there unsupported: each major must show that it works.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClaimTest;
use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $server = PolicyTest->start('told');
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');
my $version = $server->value("SELECT current_setting('server_version_num')::integer / 10000");
note("PostgreSQL $version");

my $transaction_hint =
    'End every transaction with COMMIT or ROLLBACK, also when an error is raised. '
  . 'Nothing that was sent after the session was claimed has run: connect again and retry.';
my $idle_hint =
    'Give connections back and close the ones not needed. '
  . 'Nothing that was sent after the session was claimed has run: connect again and retry.';

my %unit = (us => 1e-6, ms => 1e-3, s => 1, min => 60, h => 3600);

# Seconds of a duration as the server writes it, "1.2s" or "1min 3s"; it is cut, not rounded.
sub seconds
{
	my ($text) = @_;
	my $sum = 0;
	$sum += $1 * $unit{$2} while $text =~ /([\d.]+)(us|ms|s|min|h)\b/g;
	return $sum;
}

# What the log has under the FATAL of that process.  A line that follows with a tab goes on
# with the one before: from 19 on PostgreSQL adds there who sent the signal.
sub logged
{
	my ($pid, $begins) = @_;
	my %line;
	for (split /\n/, substr slurp_file($server->node->logfile), $begins)
	{
		$line{$1} = $2 if /\[$pid\].*?(FATAL|DETAIL|HINT):  (.*)/ && ($1 eq 'FATAL' || $line{FATAL});
	}
	return \%line;
}

# Who sent the signal is for the log alone.
sub signal_sender
{
	my ($pid, $begins) = @_;
	my $log = substr slurp_file($server->node->logfile), $begins;
	return $log =~ /\[$pid\].*?DETAIL:  .*\n\tSignal sent by PID \d+, UID \d+\.\n/;
}

# told(VICTIM, SINCE, state, opener, hint): all that its last words must hold; SINCE is
# from now(), before it connected.
sub told
{
	my ($victim, $since, %expected) = @_;
	my $words = $victim->last_words;
	my $elapsed = clock_gettime(CLOCK_MONOTONIC) - $since->{clock};
	is($words->{S}, 'FATAL', 'the client gets a FATAL');
	is($words->{C}, '57P01', 'with the SQLSTATE of an administrator\'s command');
	is($words->{M}, 'terminating connection due to administrator command', 'and PostgreSQL\'s own message');
	my $detail = $words->{D} // '';
	my $opened = defined $expected{opener} ? " Its transaction was opened by: $expected{opener}" : '';
	like($detail, qr/^pg_leash ended this session by policy "told" after it was \Q$expected{state}\E for \S+( \d+\S+)?\.\Q$opened\E$/,
		'DETAIL: the policy, the state and its age' . ($opened ? ', what opened the transaction' : ''));
	my ($age) = $detail =~ /for (\S+(?: \d+\S+)?)\./;
	cmp_ok(seconds($age // ''), '>=', 0.3, 'the age is beyond the policy\'s');
	cmp_ok(seconds($age // ''), '<=', $elapsed, 'and not above what has passed');
	is($words->{H}, $expected{hint}, 'HINT: what to do');
	$server->until_journal($victim, 'ended');
	my $journal = $server->journal($victim, 'extract(epoch FROM leaked_for)');
	my $cut = $journal - seconds($age // '');
	ok($cut >= 0 && $cut < 1, 'the journal has the same age');
	my $log = logged($victim->{pid}, $since->{log});
	is($log->{FATAL}, $words->{M}, 'the log has the message');
	is($log->{DETAIL}, $detail, 'the same DETAIL');
	is($log->{HINT}, $expected{hint}, 'and the same HINT');
	ok(signal_sender($victim->{pid}, $since->{log}), 'and who sent the signal, which PostgreSQL adds') if $version >= 19;
	return;
}

sub now
{
	return { clock => clock_gettime(CLOCK_MONOTONIC), log => -s $server->node->logfile };
}

$server->policy('told', idle_for => q('300ms'), action => q('terminate'));

subtest 'idle in transaction' => sub {
	my $since = now;
	my $victim = $server->victim(
		queries => [ 'BEGIN', "INSERT INTO things VALUES (1) /*route='cart'*/", 'SELECT 1' ]);
	told($victim, $since, state => 'idle in transaction',
		opener => "INSERT INTO things VALUES (1) /*route='cart'*/", hint => $transaction_hint);
};

subtest 'in a failed transaction' => sub {
	my $since = now;
	my $victim = $server->victim(queries => [ 'BEGIN', 'SELECT 2' ]);
	$victim->try('SELECT 1 / 0');
	told($victim, $since, state => 'idle in transaction (aborted)', opener => 'SELECT 2', hint => $transaction_hint);
};

subtest 'idle' => sub {
	my $since = now;
	my $victim = $server->victim(queries => ['SELECT 1']);
	told($victim, $since, state => 'idle', hint => $idle_hint);
};

# The last statement is by the extended protocol: the portal of the transaction is still open.
subtest 'with a portal that is not done' => sub {
	my $since = now;
	my $victim = $server->victim(queries => ['BEGIN']);
	$victim->send_message('P', "\0SELECT generate_series(1, 10)\0" . pack('n', 0));
	$victim->send_message('B', "\0\0" . pack('nnn', 0, 0, 0));
	$victim->send_message('E', "\0" . pack('N', 2));
	$victim->send_message('S', '');
	$victim->wait_ready;
	told($victim, $since, state => 'idle in transaction', opener => 'SELECT generate_series(1, 10)', hint => $transaction_hint);
};

# A command that comes when the claim is made is answered by that session itself, with the
# same words, and before any signal.
subtest 'a command that is too late' => sub {
	my $claim = bless { server => $server, controller => $server->session, reaper => $server->session }, 'ClaimTest';
	$admin->query(q{ALTER SYSTEM SET pg_leash.check_interval = '1h'});
	$admin->query('SELECT pg_reload_conf()');
	$server->until(q{SELECT current_setting('pg_leash.check_interval')}, '1h');
	my $since = now;
	my $victim = $server->victim(queries => [ 'BEGIN', 'SELECT 3' ]);
	$server->until_of($victim, q{idle_for > '400ms'}, 't');
	$claim->hold('claimed', "SELECT string_agg(outcome, ',') FROM leash.reap(false) WHERE session_id = '$victim->{session_id}'");
	$victim->send_query('INSERT INTO things VALUES (3)');
	$victim->wait_ready('E');
	my $detail = $victim->{error}{D} // '';
	like($detail, qr/^pg_leash ended this session by policy "told" for role "postgres" after it was idle in transaction for \S+( \d+\S+)?\. Its transaction was opened by: SELECT 3$/,
		'DETAIL');
	is($victim->{error}{H}, $transaction_hint, 'HINT');
	is($claim->outcome, 'ended', 'ended');
	my $log = logged($victim->{pid}, $since->{log});
	is($log->{DETAIL}, $detail, 'the log has the same DETAIL');
	is($log->{HINT}, $transaction_hint, 'and the same HINT');
	is($server->value('SELECT count(*) FROM things'), '0', 'and nothing has run');
};

done_testing();
