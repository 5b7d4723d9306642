# pgleash when every connection slot is taken: over the worker's socket it shows and does
# what it does in SQL.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use IPC::Run;
use JSON::PP ();
use LeashTest;
use PgleashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start(
	'full',
	conf => [
		'max_connections = 8', 'superuser_reserved_connections = 0', "pg_leash.check_interval = '100ms'",
		"pg_leash.idle_in_transaction_threshold = '1ms'", "pg_leash.slow_statement_threshold = '1ms'",
		"pg_leash.reaping = 'enforce'" ]);
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';
my $note = qr{pgleash: note: every connection slot is taken; asking the worker over \Q${\control_path($node)}\E\n};

# What the tool prints, which must have been asked over the socket, or must not.
sub output
{
	my ($over_socket, @arguments) = @_;
	until_used(5) unless $over_socket;  # the tool's last connection is gone
	my ($status, $stdout, $stderr) = pgleash(@arguments);
	is($status, 0, "@arguments: done") or diag $stderr;
	$over_socket
	  ? like($stderr, qr/\A$note/, "@arguments: over the socket, and says so")
	  : is($stderr, '', "@arguments: in SQL");
	return $stdout;
}

sub document
{
	my ($over_socket, @arguments) = @_;
	return JSON::PP->new->utf8->decode(output($over_socket, @arguments, '--json'));
}

# A document without what time changes: ages, instants, counts of what goes on.
sub timeless
{
	my ($value) = @_;
	return [ map { timeless($_) } @$value ] if ref $value eq 'ARRAY';
	return $value unless ref $value eq 'HASH';
	my %kept;
	for my $key (keys %$value)
	{
		next if $key =~ /_seconds$|_at$|^since$|^reason$|^utilization$|^generated_at$|^(via|database|user|host)$/;
		next if $key =~ /^(used|free|active|idle|refused_total|refused_too_many_clients|peak_used|opened_total|in_use.*|busy.*)$/;
		next if $key =~ /^slow/;
		$kept{$key} = timeless($value->{$key});
	}
	return \%kept;
}

# Waits until so many slots are taken: those who leave keep theirs for a moment.
sub until_used
{
	my ($used) = @_;
	return $server->until('SELECT used FROM leash.connections', $used);
}

# A session, as soon as there is room: a slot can be taken a moment after it has been left.
sub session
{
	my ($application) = @_;
	my $session;
	until_true(sub { $session = $server->session(params => { application_name => $application }); !$session->{error} })
	  or die 'no slot becomes free';
	return $session;
}

sub healthy
{
	my $session = session('healthy');
	$session->query('LISTEN x');
	$server->until_at_rest($session);
	return $session;
}

# Takes the slots that are left, so many.
sub fill
{
	my ($free) = @_;
	my @fill = map { healthy() } 1 .. $free;
	is($server->value('SELECT used, free FROM leash.connections'), '8|0', 'every slot is taken');
	return @fill;
}

# Waits until the worker has read the setting.
sub reaping
{
	my ($mode) = @_;
	$server->{admin}->query("ALTER SYSTEM SET pg_leash.reaping = '$mode'");
	$server->{admin}->query('SELECT pg_reload_conf()');
	until_true(sub { ($mode eq 'off') == defined control_ask($node, 'reap dry')->{notice} }) or die 'it has not';
	return;
}

# Sessions that leak, in as many ways as are at hand.  Three slots are left.
my @leaks = map { $server->session(params => { application_name => "leaky$_" }) } 1 .. 3;
$leaks[0]->query('BEGIN');
$leaks[0]->query(q{SELECT 'caf' || chr(233), pg_sleep(0.05) /*route='a'*/});
$leaks[1]->query('BEGIN');
$leaks[1]->try('SELECT 1/0');
$leaks[2]->query('BEGIN');
$leaks[2]->query('CREATE TABLE held ()');
my $healthy = healthy();
$server->until_at_rest($_) for @leaks;
$server->until(q{SELECT count(*) FROM leash.leaks WHERE leaked}, '3');
my $id = $server->session_id($leaks[0]);

my @commands = (
	[qw(sessions)], [qw(sessions --app leaky*)], [qw(sessions --app leaky? --sort application_name:desc --limit 2)],
	[qw(sessions --state idle)], [qw(sessions --min-idle 1ms --user postgres --db postgres --addr local)],
	[qw(leaks)], [qw(leaks --each)], [qw(leaks --each --min-idle 1ms)], [qw(leaks --app none)], [qw(slow --app leaky1 --sort duration --limit 1)]);
my %sql;
for my $command (@commands, [qw(status)])
{
	$sql{"@$command"} = document(0, @$command);
}
my %csv = map { ("@$_" => (split /\n/, output(0, @$_, '--csv'))[0]) } @commands, [qw(status)];

until_used(5);
my @full = fill(3);

subtest 'the same as in SQL' => sub {
	for my $command (@commands)
	{
		my $document = document(1, @$command);
		is($document->{server}{via}, 'control socket', 'and says so in JSON too');
		# The admin's own session and the last one are there as well now.
		my $mine = qr/^(admin|healthy)$/;
		$_->{rows} = [ grep { ($_->{application_name} // '') !~ $mine } @{ $_->{rows} } ] for $document, $sql{"@$command"};
		is_deeply(timeless($document), timeless($sql{"@$command"}), "@$command: the same rows, keys and order");
		is_deeply([ sort keys %{ $document->{rows}[0] // {} } ], [ sort keys %{ $sql{"@$command"}{rows}[0] // {} } ], 'all keys');
		is((split /\n/, output(1, @$command, '--csv'))[0], $csv{"@$command"}, 'the same columns in CSV');
	}
	my $status = document(1, 'status');
	is_deeply(timeless($status), timeless($sql{status}), 'status: the same');
	is("$status->{connections}{used} $status->{connections}{free}", '8 0', 'but for the slots');
	is((split /\n/, output(1, 'status', '--csv'))[0], $csv{status}, 'the same columns in CSV');
	like(output(1, 'status'), qr/^Connections  8 of 8 used .*^  pgleash terminate \S+ +# ends the worst of them$/ms,
		'the screen, with what to do next');
};

subtest 'who cannot use it' => sub {
	my $socket = control_path($node);
	rename $socket, "$socket.away";
	my ($status, $stdout, $stderr) = pgleash('status');
	is($status, 1, 'no socket: failure');
	like($stderr,
		qr/\Apgleash: error: .*too many clients already; the server is full, reserved slots included: .*; the worker's socket "\Q$socket\E": No such file .*\n\z/,
		'one line that says all');
	rename "$socket.away", $socket;
	($status, $stdout, $stderr) = pgleash('doctor');
	like($stdout, qr/^problem  server .*too many clients already/m, 'doctor needs a connection');
};

subtest 'terminate and cancel' => sub {
	my ($status, $stdout, $stderr) = pgleash('terminate', $leaks[0]{pid}, '--reason', "no\nroom caf\xc3\xa9");
	is($status, 0, 'a leak is ended, by its pid');
	like($stderr, qr/\A${note}pgleash: note: pid $leaks[0]{pid} is session \Q$id\E \(user postgres, application "leaky1"\)\n\z/, 'resolved first');
	like($stdout, qr/^\Q$id\E +\d+ +ended$/m, 'the outcome');
	like($leaks[0]->last_words->{D}, qr/^pg_leash ended this session for role "postgres": no room caf\xc3\xa9\. /, 'the client learns the reason');
	my $next = session('next');
	ok(!$next->{error}, 'the slot can be taken');
	($status, $stdout) = pgleash('terminate', $id, '1.1');
	is($status, 1, 'who is gone is no success');
	is(() = $stdout =~ /gone$/mg, 2, 'the outcomes');
	my $next_id = $server->session_id($next);
	$next->send_query('SELECT pg_sleep(600)');
	$server->until_of($next, 'wait_event', 'PgSleep');
	($status, $stdout) = pgleash('terminate', $next_id);
	like("$status $stdout", qr/^1 .*refused: active$/ms, 'an active session is not');
	($status, $stdout) = pgleash('cancel', $next_id);
	like("$status $stdout", qr/^0 .*cancelled$/ms, 'its statement can be cancelled');
	$next->wait_ready;
	$next->send_query('SELECT pg_sleep(600)');
	$server->until_of($next, 'wait_event', 'PgSleep');
	($status, $stdout) = pgleash('terminate', '--force', $next_id);
	like("$status $stdout", qr/^0 .*ended$/ms, 'and it ended with force');
	$leaks[0] = session('leaky1');
	$leaks[0]->query('BEGIN');
	$leaks[0]->query('SELECT 1');
	$server->until_of($leaks[0], 'leak', 'idle in transaction');
	($status, $stdout, $stderr) = pgleash('terminate', '--leaked', '--app', 'leaky1', '--yes', '--json');
	my $document = JSON::PP->new->utf8->decode($stdout);
	is_deeply([ map { "$_->{application_name} $_->{outcome}" } @{ $document->{rows} } ], ['leaky1 ended'], 'all that leak, narrowed');
};

subtest 'watching' => sub {
	my ($full) = fill(1);
	my ($out, $err) = ('', '');
	my $watch = IPC::Run::start([ $pgleash, 'sessions', '--watch', '0.1', '--json' ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$watch->pump until ($out =~ tr/\n//) >= 2;
	like($err, qr/\A$note\z/, 'the worker is asked');
	my $refused = $server->value('SELECT refused_total FROM leash.connections');
	my $seen = $out =~ tr/\n//;
	$watch->pump until ($out =~ tr/\n//) >= $seen + 3;
	is($server->value('SELECT refused_total FROM leash.connections'), $refused, 'and the server left alone');
	$full->quit;
	$watch->pump until $err =~ /room/;
	like($err, qr/\A${note}pgleash: note: the server has room again; asking it in SQL\n\z/, 'until it has room again');
	$seen = $out =~ tr/\n//;
	$watch->pump until ($out =~ tr/\n//) >= $seen + 2;
	$watch->signal('INT');
	$watch->finish;
	like((split /\n/, $out)[-1], qr/"via":"connection"/, 'then in SQL');
};

subtest 'reap and log' => sub {
	# Nobody is ended until it is asked for.
	$server->{admin}->query("ALTER SYSTEM SET pg_leash.check_interval = '1h'");
	reaping('off');
	$server->{admin}->query(q{INSERT INTO leash.policies (name, mode, applications, idle_for, action, include_superusers)
		VALUES ('by hand', 'enforce', '{victim}', '1ms', 'terminate', true)});
	$server->until('SELECT policies FROM leash.worker', '1');
	reaping('enforce');
	until_used(7);
	my $victim = session('victim');
	$server->until_at_rest($victim);
	fill(0);
	my ($status, $stdout, $stderr);
	ok(until_true(sub { ($status, $stdout, $stderr) = pgleash('reap', '--csv'); $stdout =~ /victim/ }), 'reap shows what would be done');
	like($stderr, qr/\A$note/, 'over the socket');
	ok($victim->alive, 'and does not');
	ok(until_true(sub { ($status, $stdout, $stderr) = pgleash('reap', '--yes', '--csv'); $stdout =~ /victim.*ended/ }), 'then does it');
	like($victim->last_words->{D}, qr/^pg_leash ended this session by policy "by hand"/, 'the client learns by which policy');
	my ($fill) = fill(1);
	my $log = document(1, 'log', '--policy', 'by*', '--outcome', 'ended', '--since', '1h', '--limit', '1');
	is_deeply([ map { "$_->{policy} $_->{application_name} $_->{outcome}" } @{ $log->{rows} } ], ['by hand victim ended'], 'log tells it');
	is_deeply(document(1, 'log', '--policy', 'none')->{rows}, [], 'narrowed');
	$server->{admin}->query('DELETE FROM leash.policies');
	$server->{admin}->query("ALTER SYSTEM SET pg_leash.check_interval = '100ms'");
	$server->{admin}->query('SELECT pg_reload_conf()');
	$fill->quit;
};

subtest 'policies go on' => sub {
	until_used(7);
	$server->until('SELECT policies FROM leash.worker', '0');
	my $zombie = session('zombie');
	$zombie->query('BEGIN');
	$zombie->query('SELECT 1');
	fill(0);
	$server->{admin}->query(q{INSERT INTO leash.policies (name, mode, applications, kinds, idle_for, action, include_superusers)
		VALUES ('room', 'enforce', '{zombie}', '{idle in transaction}', '200ms', 'terminate', true)});
	like($zombie->last_words->{D}, qr/^pg_leash ended this session by policy "room"/, 'and a policy frees one');
	ok(until_true(sub { !$server->session->{error} }), 'which can be taken');
};

done_testing();
