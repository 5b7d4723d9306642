# pgleash policy, reap and log against a server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run;
use JSON::PP ();
use LeashTest;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $project = $ENV{PROJECT} ? "$ENV{PROJECT}/" : '';
my $examples = "${project}tool/examples/policies.toml";

# The worker's rounds come when nobody waits for them: what the tool does is seen alone.
my $test = LeashTest->start(
	'main',
	conf => [
		q{pg_leash.check_interval = '1h'},
		q{pg_leash.reaping = 'enforce'},
		q{pg_leash.idle_in_transaction_threshold = '1ms'},
		q{pg_leash.idle_threshold = '1ms'},
		q{pg_leash.never_used_threshold = 0},
	]);
my $node = $test->node;
my $dir = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE watcher LOGIN IN ROLE pg_monitor');

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
$ENV{PGUSER} = 'postgres';

sub json
{
	my ($status, $stdout, $stderr) = pgleash(@_, '--json');
	return JSON::PP->new->utf8->decode($stdout);
}

# A file of that text.
my $files = 0;

sub file
{
	my ($text) = @_;
	my $name = $dir . '/policies' . ++$files . '.toml';
	append_to_file($name, $text);
	return $name;
}

sub names
{
	return $test->value('SELECT name FROM leash.policies ORDER BY priority, name');
}

# Until the worker goes by what is written.
sub until_in_force
{
	my ($names) = @_;
	is($test->until(q{SELECT coalesce(string_agg(name, ',' ORDER BY rank), '') FROM leash.policies_in_force}, $names),
		$names, "in force: $names");
	return;
}

sub one_policy
{
	my ($name, $more) = @_;
	return qq{[[policy]]\nname = "$name"\nkinds = ["abandoned", "unused"]\nidle_for = "1h"\n$more\n};
}

##### The columns: what a file leaves out is what the table has by itself

$node->safe_psql('postgres', q{INSERT INTO leash.policies (name, kinds) VALUES ('plain', '{abandoned}')});
my ($status, $stdout, $stderr) = pgleash('policy', 'show', 'plain');
is("$status$stderr", '0', 'show: done');
is($stdout, qq{[[policy]]\nname = "plain"\nmode = "observe"\naction = "log"\nkinds = ["abandoned"]\n},
	'defaults of the table are those of a file');
is($test->value(q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'leash.policies'::regclass
	AND attnum > 0 AND NOT attisdropped}), 28, 'and there are no columns that the tool does not know');
$node->safe_psql('postgres', 'DELETE FROM leash.policies');

##### apply: shown, applied, and then nothing is left to do

my $first = file(one_policy('one', '') . one_policy('two', "keep = 3\nroles = [\"app\", 'o\"d\\d']"));
($status, $stdout, $stderr) = pgleash('policy', 'diff', $first, '--exit-code');
is($status, 10, 'diff --exit-code: there is a difference');
like($stdout, qr/^\+ one\n    kinds = \["abandoned", "unused"\]\n    idle_for = "1h"\n\+ two\n/m, 'diff: shows it');
is($stderr, "pgleash: note: difference: 2 added\n", 'diff: sums it up');
is((pgleash('policy', 'diff', $first))[0], 0, 'diff: a difference is no failure');
($status, $stdout, $stderr) = pgleash('policy', 'apply', $first, '--dry-run');
is("$status$stderr", "0pgleash: note: dry run, nothing was applied: 2 added\n", 'apply --dry-run');
is(names(), '', 'apply --dry-run: changes nothing');
($status, $stdout, $stderr) = pgleash('policy', 'apply', $first);
is($status, 0, 'apply');
like($stderr, qr/^pgleash: warning: policy "one" matches none of the sessions of now\. By role, .* columns\.$/m,
	'apply: what the server warns of');
like($stderr, qr/^pgleash: note: applied to database "postgres": 2 added\n\z/m, 'apply: sums it up');
is(names(), "one\ntwo", 'apply: they are there');
is($test->value(q{SELECT roles, idle_for, keep FROM leash.policies WHERE name = 'two'}),
	'{app,"o\"d\\\\d"}|01:00:00|3', 'apply: with their values');
until_in_force('one,two');

my $xmin = $test->value('SELECT array_agg(xmin::text || ctid) FROM leash.policies');
($status, $stdout, $stderr) = pgleash('policy', 'apply', $first);
is("$status$stdout$stderr", "0pgleash: note: no changes: nothing to apply\n", 'apply again: no changes');
is($test->value('SELECT array_agg(xmin::text || ctid) FROM leash.policies'), $xmin,
	'apply again: nothing is written');
is((pgleash('policy', 'diff', $first, '--exit-code'))[0], 0, 'diff --exit-code: no difference');

# What one shows is what the other reads.
($status, $stdout) = pgleash('policy', 'show');
my $shown = file($stdout);
($status, $stdout, $stderr) = pgleash('policy', 'diff', $shown);
is("$status$stdout$stderr", "0pgleash: note: no difference\n", 'show and diff agree');

##### A change, column by column; removal only with --prune

my $second = file(one_policy('two', qq{keep = 2\nmode = "enforce"\ngrace = "30s"}));
($status, $stdout, $stderr) = pgleash('policy', 'apply', $second);
is($status, 0, 'a change: done');
is($stdout, qq{~ two
    mode: "observe" -> "enforce"
    roles: ["app", "o\\"d\\\\d"] -> -
    grace: - -> "30s"
    keep: 3 -> 2
- one  (not in the file; --prune removes it)
}, 'a change: old and new of each column, and what is not in the file');
like($stderr, qr/: 1 changed$/m, 'a change: sums it up');
is(names(), "one\ntwo", 'what is not in the file stays');
my $diff = json('policy', 'diff', $second);
is_deeply($diff->{changes}, [ { change => 'removed', policy => 'one', columns => {} } ], 'as JSON');
($status, $stdout, $stderr) = pgleash('policy', 'apply', $second);
like($stderr, qr/no changes: nothing to apply/, 'without --prune there is nothing to do');
($status, $stdout, $stderr) = pgleash('policy', 'apply', $second, '--prune');
is("$status$stderr", qq{0pgleash: note: applied to database "postgres": 1 removed\n}, 'apply --prune');
is(names(), 'two', '--prune removes it');
($status, $stdout) = pgleash('policy', 'diff', $first, '--csv');
is($stdout, qq{change,policy,column,old,new
added,one,kinds,,"{""abandoned"",""unused""}"
added,one,idle_for,,0 days 3600000000 microseconds
changed,two,mode,enforce,observe
changed,two,roles,,"{""app"",""o\\""d\\\\d""}"
changed,two,grace,0 days 30000000 microseconds,
changed,two,keep,2,3
}, 'as CSV');

##### All or nothing: the server refuses the last policy of a file

my $refused = file(one_policy('two', 'keep = 9') . one_policy('three', '')
	  . qq{[[policy]]\nname = "last"\naction = "cancel"\nkinds = ["abandoned"]\n});
($status, $stdout, $stderr) = pgleash('policy', 'apply', $refused, '--prune');
is($status, 1, 'refused: exit status');
like($stderr, qr/^pgleash: error: \Q$refused\E:13:10: nothing was applied: policy "last" can match no session: column "action" contradicts the others\. Only a statement that runs can be canceled/m,
	'refused: the place in the file, and what the server says');
is($test->value(q{SELECT string_agg(name || keep, ',') FROM leash.policies}), 'two2', 'refused: nothing has changed');

##### Two at once: what was agreed to is what is applied

my $third = file(one_policy('two', 'keep = 5'));
$test->{admin}->query('BEGIN');
$test->{admin}->query('LOCK TABLE leash.policies IN SHARE ROW EXCLUSIVE MODE');
my ($out, $err) = ('', '');
my $apply = IPC::Run::start([ $pgleash, 'policy', 'apply', $third ], '<', \undef, '>', \$out, '2>', \$err,
	IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$test->until(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'leash.policies'::regclass}, 1);
$test->{admin}->query(q{UPDATE leash.policies SET keep = 7});
$test->{admin}->query('COMMIT');
$apply->finish;
is($apply->result(0), 1, 'changed meanwhile: exit status');
is($err, "pgleash: error: somebody else changed the policies meanwhile; nothing was applied: run it again\n",
	'changed meanwhile: said so');
is($test->value('SELECT keep FROM leash.policies'), 7, 'changed meanwhile: the other change stays');

##### Consent on a terminal

sub on_terminal
{
	my ($answer, @arguments) = @_;
	my ($in, $screen) = ('', '');
	local %ENV = (%ENV, COLUMNS => 80, LINES => 24, LC_ALL => 'C.UTF-8', TERM => 'xterm', NO_COLOR => 1);
	my $run = IPC::Run::start([ $pgleash, @arguments ], '<pty<', \$in, '>pty>', \$screen,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	if (defined $answer)
	{
		$run->pump until $screen =~ /(\? \[y\/N\]|go on:) $/;
		$in = "$answer\n";
	}
	$run->finish;
	$screen =~ s/\r\n/\n/g;
	utf8::decode($screen);
	return ($run->result(0), $screen);
}
($status, $stdout) = on_terminal('n', 'policy', 'apply', $third);
is($status, 1, 'no consent: exit status');
like($stdout, qr/^    keep: 7 -> 5\napply to database "postgres" at .* \(1 changed\)\? \[y\/N\] n\npgleash: note: nothing was applied$/m,
	'no consent: asked after it was shown');
is($test->value('SELECT keep FROM leash.policies'), 7, 'no consent: nothing is applied');
is((on_terminal('y', 'policy', 'apply', $third))[0], 0, 'consent: exit status');
is($test->value('SELECT keep FROM leash.policies'), 5, 'consent: applied');
is((on_terminal(undef, 'policy', 'apply', $second, '--yes'))[0], 0, '--yes: nobody is asked');

##### Rights, and the wrong database

($status, $stdout, $stderr) = pgleash('policy', 'apply', $third, '-U', 'watcher');
is($status, 1, 'no right: exit status');
like($stderr, qr/^pgleash: error: role "watcher" may not change policies \(permission denied for table policies\); .*only superusers write them: connect as one \(-U\)$/m,
	'no right: said so');
for my $command ([qw(policy list)], [qw(policy show)], [ qw(policy diff), $third ], [ qw(policy test), $third ])
{
	($status, $stdout, $stderr) = pgleash(@$command, '-U', 'watcher');
	is($status, 0, "pg_monitor is enough for @$command[0, 1]") or diag $stderr;
	($status, $stdout, $stderr) = pgleash(@$command, '-U', 'app');
	like($stderr, qr/^pgleash: error: role "app" may not do this .*GRANT pg_monitor TO app$/m,
		"@$command[0, 1]: which role is missing");
}

$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
($status, $stdout, $stderr) = pgleash('policy', 'diff', $second, '-d', 'dbname=elsewhere');
is($status, 0, 'another database: done') or diag $stderr;
is($stderr, qq{pgleash: note: the policies are in database "postgres", which pg_leash.database names\npgleash: note: no difference\n},
	'another database: looks where the policies are');

($status, $stdout, $stderr) = pgleash('policy', 'show', 'tow');
is($status, 1, 'no such policy: exit status');
is($stderr, qq{pgleash: error: there is no policy "tow"; did you mean "two"?\n}, 'no such policy');

##### list: what is in force

until_in_force('two');
my $list = json('policy', 'list');
is_deeply([ @{ $list->{rows}[0] }{qw(name mode enabled in_force keep idle_for_seconds roles kinds)} ],
	[ 'two', 'enforce', JSON::PP::true, 'enforce', 2, 3600, undef, [ 'abandoned', 'unused' ] ], 'list as JSON');
$node->safe_psql('postgres', q{ALTER SYSTEM SET pg_leash.reaping = 'observe'});
$node->reload;
$test->until(q{SELECT setting FROM pg_settings WHERE name = 'pg_leash.reaping'}, 'observe');
($status, $stdout, $stderr) = pgleash('policy', 'list');
like($stdout, qr/^ 100  two   enforce\*  log     idle 1h  abandoned\|unused, keep 2$/m, 'list: a mode that is bounded');
is($stderr, "pgleash: note: * pg_leash.reaping is observe: these policies only observe\n", 'list: and why');
$node->safe_psql('postgres', q{ALTER SYSTEM SET pg_leash.reaping = 'enforce'});
$node->reload;
$test->until(q{SELECT setting FROM pg_settings WHERE name = 'pg_leash.reaping'}, 'enforce');
$node->safe_psql('postgres', q{UPDATE leash.policies SET enabled = false});
until_in_force('');
is(json('policy', 'list')->{rows}[0]{in_force}, 'off', 'list: a policy that is disabled');
$node->safe_psql('postgres', 'DELETE FROM leash.policies');

##### test, reap and log: sessions that leak

sub leaky
{
	my ($app, @sql) = @_;
	my $client = $test->session(user => 'app', params => { application_name => $app });
	$client->query($_) for @sql;
	$test->until_at_rest($client);
	return $client;
}
my %client = (
	checkout => [ map { leaky('checkout', 'BEGIN', 'SELECT 1') } 1 .. 2 ],
	node => [ leaky('node api', 'BEGIN', 'SELECT 1') ],
	web => [ map { leaky('web', 'SELECT count(*) FROM pg_class') } 1 .. 3 ],
	backup => [ leaky('pg_dump', 'BEGIN', 'SELECT 1') ]);
my $everyone = q{SELECT count(*) FROM leash.sessions WHERE usename = 'app'};
my $trial = file(q{
[[policy]]
name = "spare"
priority = 10
action = "spare"
applications = ["pg_dump"]

[[policy]]
name = "idle txn"
priority = 20
mode = "enforce"
action = "terminate"
kinds = ["idle in transaction"]
idle_for = "1ms"

[[policy]]
name = "unused"
priority = 30
action = "terminate"
applications = ["web"]
idle_for = "1ms"
keep = 1

[[policy]]
name = "off"
enabled = false
action = "terminate"
idle_for = "1ms"
});
my @expected = ([ 'checkout', 'idle txn', 2, 0 ], [ 'web', 'unused', 2, 1 ], [ 'node api', 'idle txn', 1, 0 ]);

sub summary
{
	my ($document) = @_;
	return [ sort { "@$a" cmp "@$b" }
		  map { [ @$_{qw(application_name policy now spared)} ] } @{ $document->{rows} } ];
}
is_deeply(summary(json('policy', 'test', $trial)), [ sort { "@$a" cmp "@$b" } @expected ],
	'test: whom the policies would end, by application');
($status, $stdout, $stderr) = pgleash('policy', 'test', $trial);
is($status, 0, 'test: exit status');
like($stderr, qr/^pgleash: note: 1 of the file's policies are disabled and left out\npgleash: note: now: of 8 sessions, 5 would be acted on and 1 spared by keep, pressure or brake;.*\npgleash: note: journal: it is empty/m,
	'test: what it rests on');

# What is exempt, a policy may reach all the same.
my @exempt = (leaky('listener', 'LISTEN x', 'BEGIN', 'SELECT 1'), leaky('locker', 'BEGIN', 'SELECT pg_advisory_xact_lock(1)'));
my $waiter = $test->session(user => 'app', params => { application_name => 'waiter' });
$waiter->send_query('SELECT pg_advisory_lock(1)');
$test->until_of($waiter, 'wait_event', 'advisory');
for ([ '', [] ], [ 'include_listeners = true', [ [qw(listener reach 1 0)] ] ],
	[ "include_lock_holders = true\nblocks_others = true", [ [qw(locker reach 1 0)] ] ])
{
	my ($include, $reached) = @$_;
	my $reach = file(qq{
[[policy]]
name = "reach"
action = "terminate"
applications = ["listener", "locker"]
kinds = ["idle in transaction"]
idle_for = "1ms"
$include
});
	is_deeply(summary(json('policy', 'test', $reach)), $reached, "test: $include");
}
$_->quit for @exempt, $waiter;
$test->until($everyone, 7);

my $each = json('policy', 'test', $trial, '--each');
is(join(',', map { $_->{session_id} } grep { $_->{application_name} eq 'web' && $_->{outcome} eq 'kept' } @{ $each->{rows} }),
	$test->session_id($client{web}[2]), 'test --each: the youngest is kept');
is($test->value($everyone), 7, 'test: ends nobody');
is(names(), '', 'test: writes nothing');

is((pgleash('policy', 'apply', $trial))[0], 0, 'applied');
until_in_force('spare,idle txn,unused');
($status, $stdout, $stderr) = pgleash('reap');
is($status, 0, 'reap: exit status');
like($stdout, qr/^\S+ +\d+ +checkout +idle in txn +\S+ +idle txn +terminate +would$/m, 'reap: what it would end');
like($stdout, qr/^\S+ +\d+ +web +\w+ +\S+ +unused +terminate +observed$/m, 'reap: what is only observed');
like($stdout, qr/^\S+ +\d+ +web +\w+ +\S+ +unused +terminate +kept$/m, 'reap: what is kept');
is($stderr, "pgleash: note: 6 sessions matched: 1 kept, 2 only observed, 3 to act on; nothing was done, --yes does it\n",
	'reap: sums it up');
is((pgleash('reap', '--exit-code'))[0], 10, 'reap --exit-code: it would act');
is($test->value($everyone), 7, 'reap: ends nobody');

($status, $stdout, $stderr) = pgleash('reap', '--yes', '--at-most', 2);
is("$status$stdout", '1', 'reap --at-most: exit status');
is($stderr, "pgleash: error: the policies would act on 3 sessions, more than --at-most 2; nothing was done\n",
	'reap --at-most');
is($test->value($everyone), 7, 'reap --at-most: ends nobody');

# The session that listens to reason: it works again before --yes.
$client{checkout}[0]->query('COMMIT');
$client{checkout}[0]->query('BEGIN');
my $awake = $client{checkout}[0];
$awake->send_query('SELECT pg_sleep(600)');
$test->until_of($awake, 'state', 'active');
($status, $stdout, $stderr) = pgleash('reap', '--yes', '--csv');
is($status, 0, 'reap --yes: exit status');
like($stderr, qr/^pgleash: note: 1 may be a client of node-postgres, .*whole process ends with the session$/m,
	'reap --yes: a client that may not live through it');
is(scalar(() = $stdout =~ /,ended,/g), 2, 'reap --yes: ends those that are due');
$test->until($everyone, 5);
is($test->of($awake, 'count(*)'), 1, 'reap --yes: not the one that works');
is(join(',', map { $_->alive ? 1 : 0 } @{ $client{web} }, @{ $client{backup} }), '1,1,1,1',
	'reap --yes: nor those that are observed or spared');
is($client{node}[0]->last_words->{C}, '57P01', 'the victim is told');
($status, $stdout, $stderr) = pgleash('reap', '--exit-code');
is($status, 0, 'reap --exit-code: nothing is left to do');
like($stderr, qr/--yes would do nothing$/m, 'reap: says so');

my $log = json('log', '--outcome', 'ended');
is_deeply([ sort map { $_->{application_name} } @{ $log->{rows} } ], [ 'checkout', 'node api' ], 'log: what ended');
is_deeply([ sort keys %{ $log->{rows}[0] } ],
	[ sort qw(id decided_at policy by mode action session_id pid usename datname application_name client_addr kind
		leaked_for_seconds weight blocked_sessions opener reason outcome took_seconds) ], 'log: keys of JSON');
is($log->{rows}[0]{by}, 'postgres', 'log: who had it done');
is(scalar(@{ json('log', '--policy', 'unu*')->{rows} }), 2, 'log --policy');
is(scalar(@{ json('log', '--outcome', 'would', '--app', 'web')->{rows} }), 2, 'log --outcome --app');
is(scalar(@{ json('log', '--since', '1us')->{rows} }), 0, 'log --since');
is(scalar(@{ json('log', '--since', '1h', '--limit', 3)->{rows} }), 3, 'log --since --limit');
my @times = map { $_->{decided_at} } @{ json('log')->{rows} };
is_deeply(\@times, [ reverse sort @times ], 'log: newest first');
($status, $stdout, $stderr) = pgleash('log', '--policy', 'nonesuch');
is("$status$stdout$stderr", "0pgleash: note: no decisions match\n", 'log: nothing matches');
is((pgleash('terminate', $test->session_id($awake), '--force'))[0], 0, 'by hand');
like((pgleash('log', '--limit', '1'))[1], qr/^ *\S+  by postgres  terminate  \S+  app +postgres +checkout .* ended/m, 'log: by hand');

# The journal: what other policies would have done to those it holds.
my %journal = map { ("$_->{application_name}/$_->{policy}" => $_->{in_journal}) }
  @{ json('policy', 'test', file(q{
[[policy]]
name = "checkout only"
action = "terminate"
applications = ["check*"]
kinds = ["idle in transaction"]
idle_for = "1us"

[[policy]]
name = "none that old"
action = "terminate"
idle_for = "1h"
}))->{rows} };
is($journal{'checkout/checkout only'}, 1, 'test: sessions of the journal');
is_deeply([ grep { /none that old/ } keys %journal ], [], 'test: ages of the journal');

# On a terminal more than ten are a number to type.
$node->safe_psql('postgres', q{UPDATE leash.policies SET mode = 'enforce', keep = NULL WHERE name = 'unused'});
push @{ $client{web} }, leaky('web', 'SELECT count(*) FROM pg_class') for 1 .. 9;
$test->until(q{SELECT count(*) FROM leash.reap() WHERE mode = 'enforce'}, 12);
($status, $stdout) = on_terminal('11', 'reap', '--yes');
is($status, 1, 'the wrong number: exit status');
like($stdout, qr/^12 sessions will be cancelled or terminated; type their number to go on: 11\npgleash: note: nothing was done$/m,
	'the wrong number: nothing is done');
my ($longest) = sort { $b <=> $a } map { length } grep { !/^pgleash|go on/ } split /\n/, $stdout;
cmp_ok($longest, '<=', 80, 'the table fits 80 columns');
is($test->value(q{SELECT count(*) FROM leash.sessions WHERE application_name = 'web'}), 12, 'the wrong number: ends nobody');
($status, $stdout) = on_terminal('12', 'reap', '--yes');
is($status, 0, 'the right number: exit status');
$test->until(q{SELECT count(*) FROM leash.sessions WHERE application_name = 'web'}, 0);

##### Every table on a terminal, and text from strangers

leaky("a\e[31m\"b\t" . ('y' x 40), 'BEGIN', 'SELECT 1');
$node->safe_psql('postgres', qq{INSERT INTO leash.policies (name, kinds, applications, comment)
	VALUES (U&'evil \\202E"name', '{abandoned,unused,"idle in transaction"}', '{"a\e*"}', E'two\\nlines')});
pgleash('reap', '--yes', '--at-most', 1000);
for my $command ([qw(log)], [qw(reap)], [qw(policy list)], [qw(policy test), $trial],
	[ qw(policy test --each), $trial ])
{
	my ($done, $screen) = on_terminal(undef, @$command);
	is($done, 0, "@$command: done");
	my ($widest) = sort { $b <=> $a } map { length } grep { !/^pgleash: / } split /\n/, $screen;
	cmp_ok($widest, '<=', 80, "@$command fits 80 columns");
	unlike($screen, qr/[\x00-\x09\x0b-\x1f\x7f]|\x{202e}/, "@$command: no control characters");
}
($status, $stdout) = pgleash('policy', 'show');
unlike($stdout, qr/[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae/, 'policy show: no control characters');
($status, $stdout, $stderr) = pgleash('policy', 'diff', file($stdout), '--exit-code');
is("$status$stderr", "0pgleash: note: no difference\n", 'policy show: reads back the same');

##### The examples

($status, $stdout, $stderr) = pgleash('policy', 'apply', $examples, '--prune');
is($status, 0, 'the examples are applied') or diag $stderr;
cmp_ok($test->value('SELECT count(*) FROM leash.policies'), '>=', 5, 'there are some');
is($test->value(q{SELECT count(*) FROM leash.policies WHERE mode <> 'observe'}), 0, 'all of them observe');
($status, $stdout, $stderr) = pgleash('policy', 'apply', $examples, '--prune');
is($stderr, "pgleash: note: no changes: nothing to apply\n", 'the examples are applied once');

$node->stop;

##### Every slot is taken: reap and log go on, over the worker's socket

$test = LeashTest->start(
	'full',
	conf => [
		'max_connections = 4', 'superuser_reserved_connections = 0', q{pg_leash.check_interval = '1h'},
		q{pg_leash.reaping = 'enforce'}, q{pg_leash.idle_in_transaction_threshold = '1ms'} ]);
@ENV{qw(PGHOST PGPORT)} = ($test->node->host, $test->node->port);
is((pgleash('policy', 'apply', file(qq{[[policy]]\nname = "idle txn"\nmode = "enforce"\naction = "terminate"
kinds = ["idle in transaction"]\nidle_for = "1ms"\ninclude_superusers = true\n})))[0], 0, 'applied');
until_in_force('idle txn');
my @leaks = map { $test->session(params => { application_name => "leak$_" }) } 1 .. 3;
$_->query('BEGIN; SELECT 1') for @leaks;
$test->until_at_rest($_) for @leaks;
my $said = qr/\Apgleash: note: every connection slot is taken; asking the worker over .*\n/;
($status, $stdout, $stderr) = pgleash('policy', 'list');
is($status, 1, 'full: policies need a connection');
like($stderr, qr/^pgleash: error: .*the server is full/, 'full: and say why');
($status, $stdout, $stderr) = pgleash('reap', '--exit-code');
is($status, 10, 'full: reap would act');
like($stderr, qr/$said.*pgleash: note: 3 sessions matched: 3 to act on; nothing was done, --yes does it\n\z/, 'full: reap says so');
is(scalar(() = $stdout =~ /^\S+ +\d+ +leak\d +idle in txn +\S+ +idle txn +terminate +would$/mg), 3, 'full: reap shows them');
($status, $stdout, $stderr) = pgleash('reap', '--yes');
is($status, 0, 'full: reap --yes') or diag $stderr;
like($stderr, qr/$said.*3 sessions: 3 ended\n\z/s, 'full: reap ends them');
$test->until('SELECT count(*) FROM leash.sessions', 1);
is_deeply([ map { $_->{outcome} } @{ json('log', '--policy', 'idle*')->{rows} } ], [ ('ended') x 3 ], 'full: log');

$test->node->stop;
done_testing();
