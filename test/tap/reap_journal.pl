# The journal: what is written by hand, who may read it, how much is kept, and that it
# outlives the server's restart; the file in which it does, whatever becomes of that.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start('journal', conf => [ 'pg_leash.reap_log_max = 100', 'max_connections = 160', 'restart_after_crash = on' ]);
my $node = $server->node;
my $admin = $server->{admin};
my $file = $node->data_dir . '/pg_stat_tmp/pg_leash.stat';
$admin->query($_)
  for 'CREATE ROLE plain LOGIN', 'CREATE ROLE signaller LOGIN IN ROLE pg_signal_backend, pg_monitor',
  'CREATE ROLE granted LOGIN', 'GRANT USAGE ON SCHEMA leash TO granted',
  'GRANT SELECT ON leash.reap_log TO granted', 'GRANT EXECUTE ON FUNCTION leash.get_reap_log(), leash.reap(boolean) TO granted';

sub log_since
{
	my ($begins) = @_;
	return substr slurp_file($node->logfile), $begins;
}

# ---- by hand -----------------------------------------------------------------

subtest 'leash.terminate' => sub {
	my $begins = -s $node->logfile;
	my $victim = $server->victim(user => 'plain', queries => [ 'BEGIN', 'SELECT 1 /*opens*/' ]);
	$server->until_at_rest($victim);
	is($server->terminate($victim, reason => "blocks\nbilling"), 'ended', 'ended');
	is($server->journal($victim, q(policy, by, mode, action, usename, outcome, opener, reason, took > '0')),
		"|postgres|enforce|terminate|plain|ended|SELECT 1 /*opens*/|blocks\nbilling|t", 'the row');
	like(log_since($begins),
		qr/LOG:  pg_leash: terminate session \Q$victim->{session_id}\E pid=\d+: ended by="postgres" user="plain" .* reason="blocks\\nbilling" opener="SELECT 1 \/\*opens\*\/"\n/,
		'the line in the log, whatever the reason contains');
	$victim = $server->victim;
	$victim->send_query('SELECT pg_sleep(600)');
	$server->until_of($victim, 'wait_event', 'PgSleep');
	is($server->terminate($victim), 'refused: active', 'refused');
	is($server->journal($victim, 'outcome, took'), 'refused: active|', 'with a row too');
	is($server->cancel($victim), 'cancelled', 'leash.cancel');
	is($server->journal($victim, q(action, by, outcome, took > '0')), "terminate|postgres|refused: active|\ncancel|postgres|cancelled|t", 'its row');
	$victim->hang_up;
	$server->until("SELECT count(*) FROM pg_stat_activity WHERE pid = $victim->{pid}", '0');

	$victim = $server->victim(queries => [ 'CREATE TABLE held ()', 'BEGIN', 'LOCK TABLE held' ]);
	my $blocked = $server->session;
	$blocked->send_query('BEGIN; LOCK TABLE held');
	$server->until_of($blocked, 'wait_event', 'relation');
	$server->until_at_rest($victim);
	$begins = -s $node->logfile;
	is($server->terminate($victim), 'ended', 'one that blocks another');
	is($server->journal($victim, 'weight, blocked_sessions'), 'blocks others|1', 'which the row says');
	like(log_since($begins), qr/ weight="blocks others" blocked=1 /, 'and the line in the log');
	$blocked->quit;

	for ([ 'SELECT pg_sleep(600)', 'SELECT pg_sleep(600)' ],
		[ q{SELECT pg_sleep(600) /* create, password */}, '<not stored: could carry a password>' ])
	{
		my ($statement, $opener) = @$_;
		$victim = $server->victim(queries => ['BEGIN']);
		$victim->send_query($statement);
		$server->until_of($victim, 'wait_event', 'PgSleep');
		is($server->terminate($victim, force => 1), 'ended', 'in the middle of the first statement after BEGIN');
		is($server->journal($victim, 'opener'), $opener, 'which is the opener then');
	}
	my $before = $server->value('SELECT max(id) FROM leash.reap_log');
	is($server->terminate($victim), 'gone', 'a session that is not there');
	is($server->terminate($admin), 'refused: own session', 'the own session');
	is($server->value('SELECT max(id) FROM leash.reap_log'), $before, 'are no decisions');
};

subtest 'the wait is interrupted' => sub {
	my $begins = -s $node->logfile;
	my $victim = $server->victim(queries => ['SELECT 1']);
	$server->until_at_rest($victim);
	# a process that was stopped does not exit
	kill 'STOP', $victim->{pid};
	my $actor = $server->session;
	$actor->send_query("SELECT leash.terminate('$victim->{session_id}')");
	$server->until_journal($victim, 'still exiting');
	$admin->query("SELECT pg_cancel_backend($actor->{pid})");
	$actor->wait_ready;
	is($actor->{error}{C}, '57014', 'by a cancel');
	is($server->journal($victim), 'still exiting', 'the row');
	like(log_since($begins), qr/session \Q$victim->{session_id}\E pid=\d+: still exiting by="postgres"/, 'and the line in the log are there');
	$server->policy('late', action => q('terminate'), idle_for => q('1us'));
	$server->rounds_pass;
	is($server->journal($victim), 'still exiting', 'policies leave alone whom somebody else ends');
	$server->no_policies;
	kill 'CONT', $victim->{pid};
	is($victim->last_words->{C}, '57P01', 'it ends later');
	is($server->until_journal($victim, 'ended'), 'ended', 'and the row says so in the end');
	is(scalar(() = log_since($begins) =~ /terminate session \Q$victim->{session_id}\E/g), 1, 'one line in the log');
};

subtest 'a victim that does not exit' => sub {
	my $begins = -s $node->logfile;
	my $victim = $server->victim(queries => ['SELECT 1']);
	$server->until_at_rest($victim);
	kill 'STOP', $victim->{pid};
	$server->policy('stuck', action => q('terminate'), idle_for => q('100ms'));
	$server->until_journal($victim, 'still exiting');
	my $line = qr/terminate session \Q$victim->{session_id}\E pid=\d+: still exiting policy="stuck"/;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	select undef, undef, undef, 0.05 until log_since($begins) =~ $line || time > $until;
	like(log_since($begins), $line, 'is reported');
	is($server->journal($victim, 'outcome, took'), 'still exiting|', 'and waited for');
	ok(kill(0, $victim->{pid}), 'it is not killed by force');
	kill 'CONT', $victim->{pid};
	is($server->until_journal($victim, 'ended'), 'ended', 'until it is gone');
	is($server->journal($victim, q(took > '5s')), 't', 'how long it took');
	my @lines = log_since($begins) =~ /terminate session \Q$victim->{session_id}\E/g;
	is(scalar @lines, 1, 'one line in all');
	$server->no_policies;
};

# ---- who may -----------------------------------------------------------------

subtest 'leash.reap acts with the rights of the caller' => sub {
	$admin->query($_) for q(ALTER SYSTEM SET pg_leash.check_interval = '1h'), 'SELECT pg_reload_conf()';
	$server->until('SELECT rounds = (SELECT rounds FROM leash.worker, pg_sleep(0.3)) FROM leash.worker');
	$server->policy('all', action => q('terminate'), idle_for => q('1us'));
	my $super = $server->victim(queries => ['SELECT 1']);
	my $plain = $server->victim(user => 'plain', queries => ['SELECT 1']);
	$server->until_at_rest($_) for $super, $plain;
	my $signaller = $server->session(user => 'signaller');
	my $rows = 'SELECT usename, outcome FROM leash.reap(%s) ORDER BY 1';
	is($signaller->value(sprintf $rows, 'true'), "plain|would\npostgres|would", 'sees what policies would do');
	my $granted = $server->session(user => 'granted');
	is($granted->value(sprintf $rows, 'false'), "plain|refused: permission denied\npostgres|refused: permission denied",
		'a role with EXECUTE alone may end nobody');
	is($granted->value(q(SELECT DISTINCT coalesce(kind, weight, client_addr::text, leaked_for::text, 'hidden'), opener FROM leash.reap())),
		'hidden|<insufficient privilege>', 'nor see what they do');
	is($signaller->value(sprintf $rows, 'false'), "plain|ended\npostgres|refused: permission denied", 'pg_signal_backend ends others, no superuser');
	ok($super->alive, 'who lives');
	is($server->journal($plain, 'by, policy, outcome'), 'signaller|all|ended', 'the row says who');
	is($server->journal($super), '', 'what was denied is no decision');
	is($plain->last_words->{C}, '57P01', 'the other one is gone');
	like($plain->{error}{D}, qr/by policy "all" for role "signaller" after it was idle/, 'and knows for whom');
	is($granted->value("SELECT policy, usename, application_name <> '', opener, kind, leaked_for, weight, reason, client_addr, outcome FROM leash.reap_log WHERE session_id = '$plain->{session_id}'"),
		'all|plain|t|<insufficient privilege>||||||ended', 'the journal is masked like the views');
	is($server->session(user => 'plain')->sqlstate('SELECT * FROM leash.reap_log'), '42501', 'and closed to others');
	is($server->session(user => 'plain')->sqlstate('SELECT * FROM leash.reap()'), '42501', 'as is leash.reap()');
	$super->hang_up;
	$server->no_policies;
	$admin->query($_) for 'ALTER SYSTEM RESET pg_leash.check_interval', 'SELECT pg_reload_conf()';
};

# ---- how much is kept --------------------------------------------------------------

subtest 'the ring' => sub {
	my $client = $server->victim;
	$client->send_query('SELECT pg_sleep(600)');
	$server->until_of($client, 'wait_event', 'PgSleep');
	my $first = $server->value('SELECT max(id) FROM leash.reap_log') + 1;
	$server->terminate($client) for 1 .. 120;
	is($server->value('SELECT count(*), max(id) - min(id) FROM leash.reap_log'), '100|99', 'keeps the newest');
	is($server->value('SELECT max(id) FROM leash.reap_log'), $first + 119, 'all counted');
	is($server->value('SELECT id FROM leash.reap_log LIMIT 1'), $first + 119, 'newest first');
	$admin->query('SELECT leash.reset()');
	is($server->value('SELECT count(*) FROM leash.reap_log'), '100', 'a reset forgets none');
	$server->cancel($client);
	$client->quit;
};

subtest 'more at once than the ring holds' => sub {
	my $begins = -s $node->logfile;
	my @victim = map { $server->victim(application => 'victim of many') } 1 .. 130;
	$server->policy('mass', action => q('terminate'), idle_for => q('1us'));
	$_->last_words for @victim;
	$server->until(q(SELECT count(*) FROM leash.reap_log WHERE outcome = 'still exiting'), '0');
	my $log = log_since($begins);
	my %logged;
	$logged{$1}++ while $log =~ /pg_leash: terminate session (\S+) pid=\d+: (?:ended|still exiting) policy="mass"/g;
	is(scalar(grep { ($logged{ $_->{session_id} } // 0) == 1 } @victim), 130, 'each is logged once');
	is($server->value('SELECT count(*) FROM leash.reap_log'), '100', 'the ring is full');
	$server->no_policies;
};

# ---- restarts ------------------------------------------------------------------

my $all = q(SELECT count(*), min(id), max(id), md5(string_agg(l::text, ',')) FROM leash.reap_log l);

sub restart
{
	my ($change) = @_;
	my $begins = -s $node->logfile;
	$node->stop('fast');
	$change->() if $change;
	$node->start;
	$admin = $server->connect_admin;
	return log_since($begins);
}

subtest 'a restart' => sub {
	my $before = $server->value($all);
	my $log = restart(
		sub {
			is(sprintf('%04o', (stat $file)[2] & 07777), '0600', 'the file is its owner\'s alone');
			ok(!-e "$file.tmp", 'nothing is left of how it was made');
		});
	is($server->value($all), $before, 'keeps the journal');
	unlike($log, qr/WARNING/, 'without a warning');
	my $next = $server->victim(queries => ['SELECT 1']);
	$server->until_at_rest($next);
	$server->terminate($next);
	is($server->value('SELECT max(id) FROM leash.reap_log') - (split /\|/, $before)[2], 1, 'and goes on counting');
};

subtest 'another size' => sub {
	my @before = split /\|/, $server->value($all);
	restart(sub { $node->append_conf('postgresql.conf', 'pg_leash.reap_log_max = 200'); });
	is($server->value($all), join('|', @before), 'a larger ring keeps all');
	my $client = $server->victim;
	$server->terminate($client, force => 1);
	restart(sub { $node->append_conf('postgresql.conf', 'pg_leash.reap_log_max = 100'); });
	is($server->value('SELECT count(*), max(id) FROM leash.reap_log'), '100|' . ($before[2] + 1), 'a smaller one the newest');
};

subtest 'a group that may read the cluster' => sub {
	restart(sub {
			system_or_bail('chmod', '-R', 'g+rX', $node->data_dir);
		});
	# what a crash may have left when it was written
	append_to_file("$file.tmp", 'half of it');
	chmod 0666, "$file.tmp";
	restart(sub { is(sprintf('%04o', (stat $file)[2] & 07777), '0600', 'may not read the texts of statements'); });
	system_or_bail('chmod', '-R', 'go-rwx', $node->data_dir);
};

sub contents
{
	my $bytes = slurp_file($file);
	return $bytes;
}

sub overwrite
{
	my ($bytes) = @_;
	open my $out, '>:raw', $file or die "$file: $!";
	print $out $bytes;
	close $out;
	return;
}

subtest 'a damaged file' => sub {
	$node->stop('fast');
	my $sound = contents();
	my $length = length $sound;
	$node->start;
	$admin = $server->connect_admin;
	my %damaged = (
		'empty' => '',
		'cut in its header' => substr($sound, 0, 20),
		'cut in its table' => substr($sound, 0, 60),
		'cut in its rows' => substr($sound, 0, int($length / 2)),
		'cut by a byte' => substr($sound, 0, $length - 1),
		'longer' => "$sound\0",
		'with another bit' => substr($sound, 0, 5000) . chr(ord(substr $sound, 5000, 1) ^ 1) . substr($sound, 5001),
		'of something else' => 'x' x 1000);
	for my $what (sort keys %damaged)
	{
		unlink "$file.bad";
		my $log = restart(sub { overwrite($damaged{$what}); });
		like($log, qr/WARNING:  saved statistics of pg_leash are not loaded: it is damaged\n.*DETAIL:  File "pg_stat_tmp\/pg_leash\.stat" is renamed to "pg_stat_tmp\/pg_leash\.stat\.bad"\./,
			"$what: is reported");
		is(slurp_file("$file.bad"), $damaged{$what}, 'and set aside');
		is($server->value('SELECT count(*) FROM leash.reap_log'), '0', 'the server starts without it');
	}
	like(restart(sub { substr($sound, 8, 1) = "\x02"; overwrite($sound); }),
		qr/WARNING:  .*: it is of another version of pg_leash/, 'another version is said to be one');
};

subtest 'the file of another cluster' => sub {
	my $other = LeashTest->start('journal_elsewhere');
	my $client = $other->session;
	$other->until_at_rest($client);
	is($other->terminate($client), 'ended', 'has a row');
	$other->node->stop('fast');
	my $theirs = slurp_file($other->node->data_dir . '/pg_stat_tmp/pg_leash.stat');
	like(restart(sub { overwrite($theirs); }), qr/WARNING:  .*: it is of another database cluster/, 'is not loaded');
	is($server->value('SELECT count(*) FROM leash.reap_log'), '0', 'none of it');
};

subtest 'a file that cannot be read' => sub {
	my $log = restart(sub { unlink $file; mkdir $file; });
	like($log, qr/WARNING:  could not read file "pg_stat_tmp\/pg_leash\.stat": Is a directory/, 'is reported');
	rmdir $file;
};

# What was written each minute, or at the last orderly end, is there after a crash.
subtest 'a crash' => sub {
	my $victim = $server->victim(queries => ['SELECT 1']);
	$server->until_at_rest($victim);
	is($server->terminate($victim), 'ended', 'a decision');
	restart();
	my $before = $server->value($all);
	my $client = $server->session;
	kill 'KILL', $client->{pid};
	$_->last_words for $client, $admin;
	$admin = $server->connect_admin;
	is($server->value($all), $before, 'keeps what was saved');
	$node->stop('immediate');
	$node->start;
	$admin = $server->connect_admin;
	is($server->value($all), $before, 'as does an immediate stop');
};

done_testing();
