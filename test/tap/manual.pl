# The manual: what it names exists, what exists is named in it, its examples run; and the
# program that checks this notices when it is not so.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Copy;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PGUSER} = 'postgres';
my $project = abs_path("$FindBin::RealBin/../..");
$ENV{PGLEASH} //= "$project/build/tool/pgleash";

my $node = PostgreSQL::Test::Cluster->new('manual');
$node->init(extra => [ '--encoding=UTF8', '--locale=C', '--username=postgres' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_leash'\nmax_connections = 30\n");
$node->start;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

sub check
{
	my (@arguments) = @_;
	my ($stdout, $stderr);
	my $ok = IPC::Run::run([ "$project/test/checkers/manual", @arguments ], '>', \$stdout, '2>', \$stderr);
	return ($ok, $stdout, $stderr);
}

my ($ok, $stdout, $stderr) = check();
ok($ok, 'the manual is right') or diag($stdout);
is($stderr, '', 'and can be checked');
my ($ran) = $stdout =~ /^(\d+) examples run$/m;
ok($ran > 20, 'examples are run: ' . ($ran // 'none'));

# Each in a copy of the manual: what is changed, and what must be said of it.
my @faults = (
	[ 'doc/settings.md', 's/^## pg_leash.track$/## pg_leash.trakc/m', 'there is no setting pg_leash\.trakc' ],
	[ 'doc/settings.md', 's/^## pg_leash.track$/## pg_leash.trakc/m', '0 headings for pg_leash\.track instead' ],
	[ 'doc/settings.md', 's/Default: `50ms`/Default: `60ms`/', 'sample_interval should say "Default: `50ms`' ],
	[ 'doc/reference.md', 's/^\| exempt .*\n//m', 'leash\.sessions: its column exempt is not named' ],
	[ 'doc/reference.md', 's/^## leash.orphans/## Orphans/m', 'no heading for leash\.orphans' ],
	[ 'doc/reference.md', 's/$/\nSee leash.sesions.\n/', 'there is no leash\.sesions' ],
	[ 'doc/reference.md', 's/$/\nSee leash.sessions.idel_for.\n/', 'leash\.sessions has no column idel_for' ],
	[ 'doc/options.md', 's/--min-idle/--min-idol/g', 'its option --min-idle is not named' ],
	[ 'doc/options.md', 's/^## pgleash log$/## log/m', 'no heading for pgleash log' ],
	[ 'doc/README.md', 's/\[limits\]\(limits.md\)/limits/', 'no link to doc/limits\.md' ],
	[ 'doc/config.md', 's/^\| `health.timeout` .*\n//m', 'no line for `health\.timeout`' ],
	[ 'doc/pgleash.md', 's/$/\n`pgleash stauts`\n/', 'there is no command pgleash stauts' ],
	[ 'doc/pgleash.md', 's/$/\n`pgleash leaks --eech`\n/', 'pgleash leaks has no option --eech' ],
	[ 'doc/pgleash.md', 's/$/\n`script\/nonesuch`\n/', 'there is no script/nonesuch' ],
	[ 'doc/pgleash.md', 's/$/\n[x](reference.md#nonesuch)\n/', 'there is no such heading' ],
	[ 'doc/pgleash.md', 's/$/\n`PGLEASH_COLOUR`\n/', 'there is no variable PGLEASH_COLOUR' ],
);
for my $fault (@faults)
{
	my ($file, $change, $said) = @$fault;
	my ($right, $out) = check('--no-examples', '--root', copy_with($file, $change));
	ok(!$right && $out =~ /^\Q$file\E:\d+: .*$said/m, "noticed: $said") or diag($out);
}

my @examples = (
	[ "```sql\nSELECT nonesuch;\n```", 'it does not run \(status 3\): .*column "nonesuch" does not exist' ],
	[ "```console\n\$ pgleash policy diff nonesuch.toml\n```", 'it does not run \(status 1\): .*could not read' ],
	[ "```console\npgleash status\n```", 'no line begins with \$' ],
	[ "```toml\n[health]\ntimeuot = '1s'\n```", 'it does not run .*unknown key "timeuot"' ],
	[ "    SELECT 1;", 'an example: write it as sql or console' ],
	[ "<!-- not run: -->\n```sql\nDROP\n```", 'lacks its reason' ],
	[ "```\nx\n```", 'a block without a language' ],
);
{
	my $tree = copy_with('doc/pgleash.md', 's/\A.*\z/# pgleash\n/s');
	unlink grep { !m{/(?:README|reference|settings|options|config|pgleash)\.md$} } glob "$tree/doc/*.md";
	for my $name ("README.md", map { "doc/$_.md" } qw(README reference settings options config))
	{
		change("$tree/$name", 's/^```\w+$/```text/mg; s/^ {4}/     /mg');
	}
	append_to_file("$tree/doc/pgleash.md", "\n$_->[0]\n") for @examples;
	append_to_file("$tree/doc/pgleash.md", "\n<!-- not run: it is wrong -->\n```sql\nSELECT 1 / 0;\n```\n");
	$node->safe_psql('postgres', 'DROP TABLE orders; DROP OWNED BY app, shop, reporting, nightly, developer, exporter, monitor;
		DROP ROLE app, shop, reporting, nightly, developer, exporter, monitor');
	my ($right, $out) = check('--root', $tree);
	ok(!$right, 'examples that do not run are noticed');
	like($out, qr/^doc\/pgleash\.md:\d+: .*$_->[1]/m, "noticed: $_->[1]") for @examples;
	unlike($out, qr/division/, 'one that is marked is not run');
}

sub change
{
	my ($file, $change) = @_;
	local $_ = slurp_file($file);
	eval "$change; 1" or die $@;    ## no critic
	open my $out, '>', $file or die $!;
	print {$out} $_;
	close $out or die $!;
	return;
}

# A copy of the manual in which one file is changed.
sub copy_with
{
	my ($file, $change) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	mkdir "$folder/doc";
	copy($_, "$folder/doc/") or die $! for glob "$project/doc/*.md";
	copy("$project/README.md", $folder) or die $!;
	my $before = slurp_file("$folder/$file");
	change("$folder/$file", $change);
	isnt(slurp_file("$folder/$file"), $before, "$file is changed");
	return $folder;
}

$node->stop;
done_testing();
