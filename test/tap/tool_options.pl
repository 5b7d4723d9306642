# pgleash: help, version, and each thing that can be wrong with a command line,
# with its message.  No server is needed, and none may be asked.

use strict;
use warnings;

use PgleashTest qw($pgleash);
use PostgreSQL::Test::Utils;
use Test::More;

# A connection would fail with another status and message.
$ENV{PGHOST} = '/nonexistent';

program_help_ok($pgleash);
program_version_ok($pgleash);
program_options_handling_ok($pgleash);

command_like([ $pgleash, '-?' ], qr/^Usage: pgleash \[OPTIONS\] COMMAND/m, '-? is help');
command_like([ $pgleash, '-V' ], qr/^pgleash \(pg_leash\) \d+\.\d+$/, '-V is the version');
for my $command (
	qw(status sessions leaks slow history log terminate cancel reap health metrics serve doctor policy advise plan),
	'advise pools', 'advise settings', 'advise indexes', 'snapshot save', 'config show', 'completion', map { "policy $_" } qw(list show diff apply test))
{
	program_help_ok_for($command);
}
{
	my ($stdout) = run_command([ $pgleash, '--help' ]);
	ok(!(grep { length > 80 } split /\n/, $stdout), '--help fits 80 columns');
}

sub program_help_ok_for
{
	my ($command) = @_;
	my ($stdout, $stderr) = run_command([ $pgleash, (split / /, $command), '--help' ]);
	like($stdout, qr/^Usage: pgleash $command/m, "$command --help shows its usage");
	is($stderr, '', "$command --help says nothing on stderr");
	ok(!(grep { length > 80 } split /\n/, $stdout), "$command --help fits 80 columns");
	return;
}

# [ arguments, the whole line on standard error ]
my @refused = (
	[ [], 'no command given; the commands are status, sessions, leaks, apps, slow, orphans, history, log, '
		. 'terminate, cancel, reap, policy list, policy show, policy diff, policy apply, '
		. 'policy test, advise, advise pools, advise settings, advise indexes, plan, snapshot save, report, health, metrics, serve, doctor, config show (try "pgleash --help")' ],
	[ ['sesions'], 'unknown command "sesions"; did you mean "sessions"?' ],
	[ ['nonesuch'], 'unknown command "nonesuch"; the commands are status, sessions, leaks, apps, '
		. 'slow, orphans, history, log, terminate, cancel, reap, policy list, policy show, policy diff, policy apply, '
		. 'policy test, advise, advise pools, advise settings, advise indexes, plan, snapshot save, report, health, metrics, serve, doctor, config show' ],
	[ ['policy'], 'no command given after "policy"; try "pgleash policy --help"' ],
	[ [ 'policy', 'aply', 'x' ],
		'unknown command "policy aply"; did you mean "policy apply"?' ],
	[ [ 'policy', 'nonesuch' ],
		'unknown command "policy nonesuch"; the commands are policy list, policy show, policy '
		. 'diff, policy apply, policy test' ],
	[ [ 'advise', 'nonesuch' ],
		'unknown command "advise nonesuch"; the commands are advise pools, '
		. 'advise settings, advise indexes' ],
	[ [ 'advise', 'indexes', '--limit', '0' ],
		'invalid number "0" for --limit; write a whole number from 1 on' ],
	[ [ 'plan', '--csv' ], 'invalid format "csv"; --format takes markdown, html or json' ],
	[ [ 'plan', '--format', 'table' ],
		'invalid format "table"; --format takes markdown, html or json' ],
	[ [ 'policy', 'apply' ], 'no file of policies given, such as policies.toml' ],
	[ [ 'policy', 'diff', '--prune', 'x' ],
		'unrecognized option "--prune"; try "pgleash policy diff --help"' ],
	[ [ 'policy', 'apply', 'a', 'b' ],
		'too many arguments for "policy apply" (the first is "b"); try "pgleash policy apply '
		. '--help"' ],
	[ [ 'reap', '--yes', '--watch', '1' ],
		'--watch goes without --yes: to act again and again is the worker\'s part, with mode = '
		. '"enforce" in the policy' ],
	[ [ 'reap', '--yes', '--exit-code' ], '--exit-code goes without --yes and --watch' ],
	[ [ 'reap', '--at-most', '5' ], '--at-most goes with --yes only' ],
	[ [ 'reap', '--yes', '--at-most', '0' ],
		'invalid number "0" for --at-most; write a whole number from 1 on' ],
	[ [ 'log', '--since', 'yesterday' ],
		'invalid duration "yesterday" for --since: it is malformed; write for example 90s, 5min, '
		. '2h or 1d (units: us ms s min h d)' ],
	[ ['--nonesuch'], 'unrecognized option "--nonesuch"; try "pgleash --help"' ],
	[ [ 'status', '--nonesuch' ],
		'unrecognized option "--nonesuch"; try "pgleash status --help"' ],
	[ [ 'leaks', '--min-idel', '1s' ],
		'unrecognized option "--min-idel"; did you mean "--min-idle"?' ],
	[ [ '--app', 'x', 'leaks' ],
		'option "--app" must stand after the command, as in "pgleash leaks --app"' ],
	[ [ 'status', 'leaks' ],
		'too many arguments for "status" (the first is "leaks"); try "pgleash status --help"' ],
	[ [ 'status', '--format', 'xml' ],
		'invalid format "xml"; --format takes table, json or csv' ],
	[ [ 'status', '--json', '--csv' ], 'give only one of --format, --json and --csv' ],
	[ [ 'status', '--color', 'pink' ],
		'invalid choice "pink"; --color takes auto, always or never' ],
	[ [ 'leaks', '--min-idle', '-5s' ],
		'invalid duration "-5s" for --min-idle: it is negative; write for example 90s, 5min, 2h '
		. 'or 1d (units: us ms s min h d)' ],
	[ [ 'leaks', '--min-idle', '5' ],
		'invalid duration "5" for --min-idle: it has no unit; write for example 90s, 5min, 2h or '
		. '1d (units: us ms s min h d)' ],
	[ [ 'leaks', '--min-idle', '5m' ],
		'invalid duration "5m" for --min-idle: its unit is unknown; write for example 90s, 5min, '
		. '2h or 1d (units: us ms s min h d)' ],
	[ [ 'leaks', '--min-idle', 'x' ],
		'invalid duration "x" for --min-idle: it is malformed; write for example 90s, 5min, 2h or '
		. '1d (units: us ms s min h d)' ],
	[ [ 'leaks', '--min-idle', '9999999d' ],
		'invalid duration "9999999d" for --min-idle: it is too large; write for example 90s, '
		. '5min, 2h or 1d (units: us ms s min h d)' ],
	[ [ 'sessions', '--state', 'lost' ],
		'invalid state "lost" for --state; it is one of active, idle, idle-in-transaction, '
		. 'aborted, disabled' ],
	[ [ 'sessions', '--addr', '10.0.0.0/33' ],
		'invalid address "10.0.0.0/33" for --addr; write an address, a network such as '
		. '10.0.0.0/8, or local for Unix sockets' ],
	[ [ 'leaks', '--sort', 'nonesuch' ],
		'cannot sort by "nonesuch"; --sort takes one of sessions, kind, oldest, weight, '
		. 'blocked_sessions, leaked, application_name, usename, datname, last_hour, route, opener, last_statement' ],
	[ [ 'leaks', '--sort', 'oldest:up' ],
		'invalid direction "up" for --sort; write oldest:asc or oldest:desc' ],
	[ [ 'slow', '--limit', '0' ],
		'invalid number "0" for --limit; write a whole number from 1 on' ],
	[ [ 'slow', '--watch', '-1' ],
		'invalid interval "-1" for --watch; write seconds from 0.1 to 86400, for example 2' ],
	[ [ 'slow', '--watch', '1', '--csv' ],
		'--watch does not go with CSV; use --json, which prints one document a line' ],
	[ ['terminate'],
		'no session id given; "pgleash sessions" lists them ("pgleash terminate --help" tells '
		. 'more)' ],
	[ [ 'terminate', '6745a1b2.1f3', '6745a1b2-1f3' ],
		'invalid session id "6745a1b2-1f3"; it looks like 6745a1b2.1f3 ("pgleash sessions" lists '
		. 'them), or give a pid' ],
	[ [ 'cancel', '1' ],
		'invalid session id "1"; it looks like 6745a1b2.1f3 ("pgleash sessions" lists them), or '
		. 'give a pid' ],
	[ [ 'terminate', '6745a1b2.1f3', '--leaked' ], 'give either session ids or --leaked' ],
	[ [ 'terminate', '6745a1b2.1f3', '--yes' ], '--yes goes with --leaked only' ],
	[ [ 'terminate', '6745a1b2.1f3', '--user', 'x' ], '--user goes with --leaked only' ],
	[ [ 'terminate', '--leaked', '--force' ],
		'--force cannot be combined with --leaked: a session that came back to life is leaked no '
		. 'more' ],
);

for my $case (@refused)
{
	my ($arguments, $message) = @$case;
	command_checks_all([ $pgleash, @$arguments ],
		2, [qr/^$/], [qr/^pgleash: error: \Q$message\E$/],
		'refused: pgleash ' . join(' ', @$arguments));
}

# An option without its value: the library's words, our status.
command_checks_all([ $pgleash, 'sessions', '--app' ],
	2, [qr/^$/], [qr/^pgleash: error: an option lacks its value \(--app/], 'a missing value');

# A file of policies that is wrong is refused before any server is asked.
{
	my $file = PostgreSQL::Test::Utils::tempdir . '/policies.toml';
	append_to_file($file, qq{[[policy]]\nname = "a"\nidel_for = "5min"\nmode = "on"\n});
	command_checks_all(
		[ $pgleash, 'policy', 'apply', $file ],
		1, [qr/^$/],
		[ qr{\Apgleash: error: \Q$file\E:1:1: policy "a": it would act on sessions at once; .*
pgleash: error: \Q$file\E:3:1: policy "a": unknown key "idel_for"; did you mean "idle_for"\?
pgleash: error: \Q$file\E:4:8: policy "a": mode: "on" is no mode; it is one of observe, enforce\n\z} ],
		'all that is wrong with a file');
	command_checks_all(
		[ $pgleash, 'policy', 'diff', "$file.nonesuch" ],
		1, [qr/^$/],
		[qr/^pgleash: error: could not read "\Q$file\E.nonesuch": No such file or directory$/],
		'no such file');
	append_to_file("$file.empty", "# nothing\n");
	command_checks_all(
		[ $pgleash, 'policy', 'apply', "$file.empty" ],
		1, [qr/^$/],
		[qr/^pgleash: error: .*empty holds no policy: one begins with \[\[policy\]\]$/],
		'an empty file');
}

# A disk that is full is no success.
SKIP:
{
	skip 'no /dev/full here', 1 unless -c '/dev/full';
	command_checks_all(
		[ 'sh', '-c', '"$1" --help >/dev/full', 'sh', $pgleash ],
		1, [qr/^$/],
		[qr/^pgleash: error: could not write to standard output: No space left on device$/],
		'a full disk');
}

# Nobody answers: one line, with a remedy.
command_checks_all(
	[ $pgleash, 'status' ],
	1, [qr/^$/],
	[qr{^pgleash: error: connection to server on socket "/nonexistent/.*" failed: .*; check that the server runs there \(-h, -p\)\n\z}],
	'no server');

done_testing();
