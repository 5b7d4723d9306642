# The worker's own socket: its files, what is answered over it, and that nobody who
# speaks badly at it disturbs the worker.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use Fcntl qw(:flock);
use LeashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $server = LeashTest->start(
	'control',
	init => { allows_streaming => 1 },
	conf => [
		'restart_after_crash = on', 'max_connections = 12', "listen_addresses = '127.0.0.1'",
		"pg_leash.check_interval = '100ms'", "pg_leash.slow_statements_max = 2000",
		"pg_leash.idle_in_transaction_threshold = '1ms'", 'track_activity_query_size = 1024' ]);
my $node = $server->node;
my $admin = $server->{admin};
my $path = control_path($node);

sub worker
{
	return $server->value('SELECT pid FROM leash.worker');
}

# The same worker goes on judging sessions, and has failed at nothing.
sub undisturbed
{
	my ($pid, $name) = @_;
	my $rounds = $server->value('SELECT rounds FROM leash.worker');
	is($server->until("SELECT pid = $pid AND rounds > $rounds + 2 AND errors = 0 FROM leash.worker"), 't',
		"$name: the worker goes on");
	return;
}

# How many clients the worker has taken in.
sub clients
{
	my ($pid) = @_;
	my %connected;
	for (split /\n/, slurp_file('/proc/net/unix'))
	{
		my ($state, $inode, $bound) = (split ' ', $_, 8)[5 .. 7];
		$connected{"socket:[$inode]"} = 1 if ($bound // '') eq $path && $state eq '03';
	}
	return scalar grep { $connected{ readlink $_ // '' } } glob "/proc/$pid/fd/*";
}

sub reload
{
	my (%setting) = @_;
	$admin->query("ALTER SYSTEM SET pg_leash.$_ = '$setting{$_}'") for keys %setting;
	$admin->query('SELECT pg_reload_conf()');
	return;
}

sub refuses
{
	my ($bytes, $sqlstate, $name) = @_;
	my $socket = control_connect($node);
	control_send($socket, $bytes);
	my $answer = JSON::PP->new->utf8->decode(control_read($socket));
	is($answer->{sqlstate}, $sqlstate, "$name: refused");
	isnt($answer->{error} // '', '', "$name: and told why");
	return;
}

control_ask($node, 'status');  # the worker has started

subtest 'its files' => sub {
	is(sprintf('%o', (stat $path)[2] & 07777), '700', 'the socket is its owner\'s alone');
	is(sprintf('%o', (stat "$path.lock")[2] & 07777), '600', 'so is the lock');
	is(slurp_file("$path.lock"), worker() . "\n", 'which names the worker');
	like(slurp_file($node->logfile), qr/LOG:  pg_leash listens on Unix socket "\Q$path\E"/, 'the log says where it is');
};

subtest 'the columns of the views' => sub {
	my %view = (
		status => 'leash.connections', sessions => 'leash.sessions', leaks => 'leash.leaks',
		slow => 'leash.slow_statements', worker => 'leash.worker', health => 'leash.health()',
		reap_log => 'leash.reap_log', 'reap dry' => 'leash.reap_log');
	for my $request (sort keys %view)
	{
		$admin->query("CREATE TEMP TABLE shape AS SELECT * FROM $view{$request} LIMIT 0");
		my $columns = $server->value(q{SELECT string_agg(attname::text, ' ' ORDER BY attname::text COLLATE "C")
			FROM pg_attribute WHERE attrelid = 'shape'::regclass AND attnum > 0});
		$admin->query('DROP TABLE shape');
		is(join(' ', sort @{ control_ask($node, $request)->{columns} }), $columns, $request);
	}
	my $about = control_ask($node, 'status')->{server};
	is("$about->{version_num} $about->{max_connections} $about->{library_version}",
		$server->value("SELECT current_setting('server_version_num') || ' 12 ' || leash.library_version()"), 'the server');
};

subtest 'the values of the views' => sub {
	$admin->query(q{CREATE ROLE "r""ölle'" LOGIN; GRANT pg_read_all_data TO "r""ölle'"});
	my $client = $server->session(host => '127.0.0.1', user => q{r"ölle'}, params => { application_name => qq{a\\"p'p} });
	$client->query('BEGIN');
	$client->query(qq{SELECT 'caf\x{c3}\x{a9}\t\n' /*route='\x{c3}\x{a9}'*/});
	$server->until_of($client, 'leak', 'idle in transaction');
	my @exact = qw(session_id pid usename datname application_name client_port state statements transactions opener
	  last_statement leak exempt in_use);
	my $row = control_row($node, 'sessions', $client);
	for my $column (@exact)
	{
		my $value = $row->{$column};
		utf8::encode($value) if defined $value;
		is($value // '', $server->of($client, $column), $column);
	}
	is($row->{client_addr}, '127.0.0.1', 'client_addr');
	is($row->{tags}, $server->of($client, 'tags') =~ s/\xc3\xa9/\x{e9}/r, 'tags');
	is($row->{backend_start}, $server->of($client, q{to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')}),
		'an instant, in UTC');
	like($row->{idle_for}, qr/^\d+\.\d{6}$/, 'a duration, in seconds');
	is($server->of($client, "idle_for > '$row->{idle_for}s' AND idle_for < '$row->{idle_for}s'::interval + '1min'"), 't',
		'which is right');
	is(control_row($node, 'leaks', $client)->{kind}, 'idle in transaction', 'it is among the leaks');
	$client->query('COMMIT');
	$server->until_of($client, 'leak', '');
	is(control_row($node, 'leaks', $client), undef, 'and then not any more');
	$client->quit;
};

subtest 'texts of any encoding' => sub {
	$admin->query("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
	$admin->query("CREATE DATABASE noenc ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
	for my $dbname (qw(latin noenc))
	{
		my $client = $server->session(dbname => $dbname);
		$client->query("SELECT 'caf\xe9' /*app='caf\xe9'*/");
		$server->until_at_rest($client);
		is(control_row($node, 'sessions', $client)->{last_statement}, q{SELECT 'caf?' /*app='caf?'*/},
			"$dbname: what is no UTF-8 cannot be shown");
		$client->quit;
	}
	my $client = $server->session(dbname => 'noenc');
	$client->query(qq{CREATE ROLE "caf\xe9" SUPERUSER LOGIN});
	$client->quit;
	$client = $server->session(user => "caf\xe9");
	is(control_row($node, 'sessions', $client)->{usename}, 'caf?', 'nor can a name');
	$client->quit;
};

subtest 'actions' => sub {
	my $idle = $server->session;
	my $active = $server->session;
	my $session_id = $server->session_id($idle);
	my $active_id = $server->session_id($active);
	$active->send_query('SELECT pg_sleep(60)');
	$server->until_of($active, 'wait_event', 'PgSleep');
	my $outcome = sub { return control_table($node, shift)->[0]{outcome} };
	is($outcome->("terminate $active_id"), 'refused: active', 'an active session is not ended');
	is($outcome->("cancel $active_id"), 'cancelled', 'a statement is cancelled');
	$active->wait_ready;
	is($active->{error}{C}, '57014', 'the client learns it');
	$server->until_at_rest($idle);
	is($outcome->("terminate $session_id reason wegen \xc3\x9cberf\xc3\xbcllung"), 'ended', 'an idle one is ended');
	like($idle->last_words->{D}, qr/^pg_leash ended this session for role "postgres": wegen \xc3\x9cberf\xc3\xbcllung\. It was idle/,
		'the client learns why');
	is($outcome->("terminate $session_id"), 'gone', 'once');
	is($server->value(qq{SELECT string_agg(outcome, ', ' ORDER BY id) FROM leash.reap_log}),
		'refused: active, cancelled, ended', 'the journal knows it');
	is($server->value("SELECT took > '0' FROM leash.reap_log WHERE outcome = 'ended'"), 't', 'and how long it took');
	$active->send_query('SELECT pg_sleep(60)');
	$server->until_of($active, 'wait_event', 'PgSleep');
	is($outcome->("terminate $active_id force"), 'ended', 'an active one with force');
	like(slurp_file($node->logfile), qr/LOG:  pg_leash control socket: OS user $< asked for "terminate \Q$active_id\E force"/,
		'who asked is in the log');
};

subtest 'policies' => sub {
	$admin->query(q{INSERT INTO leash.policies (name, mode, applications, idle_for, action, include_superusers)
		VALUES ('hand', 'enforce', '{victim}', '1ms', 'terminate', true)});
	reload(check_interval => '1h', reaping => 'enforce');
	$server->until("SELECT policies = 1 FROM leash.worker");
	my $victim = $server->session(params => { application_name => 'victim' });
	$server->until_at_rest($victim);
	my $would;
	until_true(sub { ($would) = @{ control_table($node, 'reap dry') }; $would });
	is("$would->{pid} $would->{policy} $would->{outcome}", "$victim->{pid} hand would", 'what they would do');
	ok($victim->alive, 'and do not');
	$server->until_at_rest($victim);
	# A session's age begins when the worker first sees it rest.
	my $did;
	# It observes until it has read the setting.
	until_true(sub { ($did) = grep { $_->{outcome} ne 'would' } @{ control_table($node, 'reap now') }; $did });
	is("$did->{pid} $did->{policy} $did->{outcome}", "$victim->{pid} hand ended", 'what they do');
	like($did->{took}, qr/^\d+\.\d{6}$/, 'with the time it took');
	is(control_table($node, 'reap_log')->[0]{session_id}, $did->{session_id}, 'in the journal too');
	$admin->query(q{DELETE FROM leash.policies});
	reload(reaping => 'off');
	my $answer;
	ok(until_true(sub { $answer = control_ask($node, 'reap now'); $answer->{notice} }), 'that they are off is said');
	is($answer->{notice}, 'no policy is evaluated: "pg_leash.reaping" is off', 'in these words');
	reload(reaping => 'observe', check_interval => '100ms');
};

subtest 'bad requests' => sub {
	my $pid = worker();
	refuses("\n", '42601', 'an empty line');
	refuses("GET / HTTP/1.1\r\nHost: x\r\n\r\n", '42601', 'another protocol');
	refuses("pgleash 2 status\n", '42601', 'another version');
	refuses("pgleash 1 drop\n", '42601', 'an unknown request');
	refuses("pgleash 1 terminate 4711\n", '42601', 'no session id');
	refuses("pgleash 1 status\0\n", '42601', 'a zero byte');
	refuses("\0" x 100 . "\n", '42601', 'zero bytes');
	refuses(join('', map { chr } 1 .. 9, 11 .. 255) . "\n", '42601', 'bytes of all kinds');
	refuses("pgleash 1 terminate 1.2 reason caf\xe9\n", '22021', 'a reason that is no UTF-8');
	refuses('x' x 1024, '54000', 'a line that is too long');
	refuses('x' x 1_000_000, '54000', 'a megabyte without an end');
	is(control_ask($node, "status\npgleash 1 sessions")->{columns}[0], 'max_connections', 'one request a connection');
	undisturbed($pid, 'after all of them');
};

subtest 'a hundred at once' => sub {
	my $pid = worker();
	my @clients;
	for (1 .. 100)
	{
		my $socket = control_connect($node);
		control_send($socket, "pgleash 1 status\n");
		push @clients, $socket;
	}
	is(scalar(grep { control_read($_) =~ /"max_connections"/ } @clients), 100, 'all are answered');
	undisturbed($pid, 'after them');
};

subtest 'who goes in the middle' => sub {
	my $pid = worker();
	for my $bytes ('', 'pgleash', "pgleash 1 sessions\n", "pgleash 1 terminate 1.1\n")
	{
		for (1 .. 20)
		{
			my $socket = control_connect($node) or next;
			control_send($socket, $bytes);
			close $socket;
		}
	}
	my $victim = $server->session;
	$server->until_at_rest($victim);
	my $session_id = $server->session_id($victim);
	my $socket = control_connect($node);
	control_send($socket, "pgleash 1 terminate $session_id\n");
	close $socket;
	$victim->last_words;
	is($server->until("SELECT outcome FROM leash.reap_log WHERE session_id = '$session_id'", 'ended'), 'ended',
		'what was begun is brought to its end, and journaled');
	undisturbed($pid, 'after them');
};

subtest 'the slow' => sub {
	my $pid = worker();
	# An answer that is larger than what the kernel keeps for who does not read.
	$admin->query('SET pg_leash.slow_statement_threshold = 0');
	$admin->query("SELECT '" . ('x' x 900) . "$_'") for 1 .. 1500;
	$admin->query('RESET pg_leash.slow_statement_threshold');

	ok(until_true(sub { clients($pid) == 0 }), 'nobody is left of those before');
	my @mute = map { control_connect($node) } 1 .. 5;
	my $dribbler = control_connect($node);
	my @deaf = map { control_connect($node) } 1 .. 2;
	control_send($_, "pgleash 1 slow\n") for @deaf;
	ok(until_true(sub { clients($pid) == 8 }), 'eight clients have a place');
	undisturbed($pid, 'with every place taken by somebody slow');
	is(control_ask($node, 'status')->{error}, undef, 'the next one gets its turn');

	my $sent = 0;
	ok(until_true(sub { usleep 10_000; $sent++; !defined control_send($dribbler, 'x') }), 'who dribbles is sent away');
	cmp_ok($sent, '<', 1024, 'before his line was too long');
	ok(until_true(sub { clients($pid) == 0 }), 'in the end nobody of them is there any more');
	is(control_read($_), '', 'who said nothing got nothing') for @mute;
	is(eval { JSON::PP->new->utf8->decode(control_read($_)) }, undef, 'who did not read got a part') for @deaf;
	undisturbed($pid, 'after them');
	my $reader = control_connect($node);
	control_send($reader, "pgleash 1 slow\n");
	my $answer = JSON::PP->new->utf8->decode(control_read($reader));
	cmp_ok(scalar @{ $answer->{rows} }, '>', 1000, 'who reads gets all of a large answer');
};

subtest 'whoever ends the worker' => sub {
	my $pid = worker();
	$admin->query("SELECT pg_terminate_backend($pid)");
	$server->until("SELECT pid <> $pid FROM leash.worker");
	is(control_ask($node, 'status')->{error}, undef, 'the next one answers');
	is(slurp_file("$path.lock"), worker() . "\n", 'and has the lock');
	my $crashed = worker();
	my $victim = $server->session;
	kill 'KILL', $victim->{pid};
	$victim->last_words;
	# Until the server has noticed, it lets people in whom it then turns out.
	ok(until_true(sub {
		$server->connect_admin;
		return eval { $server->value("SELECT pid <> $crashed FROM leash.worker") eq 't' };
	}), 'after a crash of the server there is another one');
	$admin = $server->{admin};
	is(control_ask($node, 'status')->{error}, undef, 'which answers');
};

subtest 'a standby' => sub {
	$node->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;
	my $session = LeashClient->new($standby, params => { application_name => 'reader' });
	my $answer = control_ask($standby, 'status');
	ok($answer->{server}{in_recovery}, 'answers as well');
	is(control_row($standby, 'sessions', $session)->{application_name}, 'reader', 'about its own sessions');
	my $id = control_row($standby, 'sessions', $session)->{session_id};
	ok(until_true(sub { control_table($standby, "terminate $id")->[0]{outcome} eq 'ended' }), 'and ends them');
	$standby->stop;
};

subtest 'start and stop' => sub {
	$node->stop;
	ok(!-e $path && !-e "$path.lock", 'a server that stops removes the files');
	$node->start;
	is(control_ask($node, 'status')->{error}, undef, 'it answers after a start');
	$node->stop('immediate');
	ok(-e $path && -e "$path.lock", 'one that is stopped in a hurry leaves them');
	$node->start;
	is(control_ask($node, 'status')->{error}, undef, 'the next one takes them over');
	$node->stop;

	# Somebody who lives holds the lock.
	my $log = -s $node->logfile;
	open my $lock, '>', "$path.lock" or die $!;
	flock $lock, LOCK_EX or die $!;
	syswrite $lock, "$$\n";
	$node->start;
	$server->connect_admin;
	$admin = $server->{admin};
	$node->wait_for_log(qr/LOG:  pg_leash has no control socket "\Q$path\E": another server uses it, whose worker has PID $$/, $log);
	ok(!-e $path, 'the lock of another one is respected');
	undisturbed(worker(), 'without a socket');
	$node->stop;
	is(slurp_file("$path.lock"), "$$\n", 'and left alone');
	unlink "$path.lock";
	close $lock;
};

subtest 'places where there can be none' => sub {
	my $directory = $node->host;
	my $long = $directory . '/' . ('x' x (107 - length("$directory/") - length('/.s.PGSQL.' . $node->port)));
	mkdir $long;
	my %place = (
		$long => qr/its path is longer than 107 bytes/,
		"\@leash_test_$$" => qr/it cannot be in the abstract namespace/);
	for my $place (sort keys %place)
	{
		my $log = -s $node->logfile;
		$node->append_conf('postgresql.conf', "unix_socket_directories = '$place, $directory'");
		$node->start;
		ok($node->wait_for_log(qr/LOG:  pg_leash has no control socket ".*": $place{$place}/, $log), 'the log says why');
		$server->connect_admin;
		$admin = $server->{admin};
		undisturbed(worker(), 'without a socket');
		$node->stop;
	}
};

done_testing();
