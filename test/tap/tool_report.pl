# pgleash report: pages made from snapshots and from a server, as a real browser sees them.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Chromium;
use IO::Select;
use IO::Socket::INET;
use IPC::Run;
use LeashTest;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $build = ($ENV{PROJECT} // '.') . '/build';
my $dir = PostgreSQL::Test::Utils::tempdir;
my $browser = Chromium->start;

sub sample
{
	my ($name) = @_;
	my $file = "$dir/$name.json";
	-e $file or IPC::Run::run([ "$build/tool/sample_snapshot", $name, $file ]) or die 'no sample';
	return $file;
}

# Writes a page and returns its path.
sub page
{
	my ($name, @arguments) = @_;
	my $file = "$dir/$name.html";
	my ($status, $stdout, $stderr) = pgleash('report', @arguments, '--output', $file);
	is($status, 0, "$name: written") or diag $stderr;
	is($stdout, '', "$name: nothing on standard output");
	like($stderr, qr/^pgleash: note: wrote \Q$file\E \(\d+ kB\); any browser opens it\n$/, "$name: a note says where");
	return $file;
}

# A page must not complain and must not ask for anything, whoever looks at it and how.
sub quiet_in_browser
{
	my ($file, $name, %option) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $page = $browser->visit("file://$file", %option);
	is_deeply([ $page->complaints ], [], "$name: nothing in the console");
	is_deeply([ $page->requests ], [], "$name: no request");
	return $page;
}

# ---- samples ------------------------------------------------------------------

my $drawn = <<'JS';
[...document.querySelectorAll('.canvas canvas')].filter(canvas => {
	const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
	const seen = new Set();
	for (let at = 0; at < data.length; at += 4) { seen.add(data[at] << 16 | data[at + 1] << 8 | data[at + 2]); }
	return seen.size > 3;
}).length
JS
my $charts = q{Object.values(JSON.parse(document.getElementById('data').textContent)).reduce((n, set) => n + set.charts.length, 0)};
my %charts_of = (trouble => 7, gaps => 7, clock => 7, hostile => 7, minute => 5, empty => 0);

for my $name (sort keys %charts_of)
{
	subtest $name => sub {
		my $file = page($name, '--from', sample($name));
		cmp_ok(-s $file, '<', 1_000_000, 'below a megabyte');
		my $page = quiet_in_browser($file, $name);
		is($page->value('document.title'), $name eq 'hostile' ? $page->value('document.title') : 'PostgreSQL sessions of db1.shop.example:5432', 'its title');
		unlike($page->value('document.title'), qr/^hostile-marker$/, 'nobody has changed it');
		is($page->value('document.documentElement.dataset.ready'), 'true', 'the script ran to its end');
		is($page->value($charts), $charts_of{$name}, 'charts');
		is($page->value($drawn), $charts_of{$name}, '... all drawn');
		is($page->value('document.querySelectorAll("img, iframe, link, object, embed, base, form").length'), 0, 'no foreign element');
		$page->leave;
	};
}

my $trouble = "$dir/trouble.html";

subtest 'dark' => sub {
	my $light = quiet_in_browser($trouble, 'light');
	my $dark = quiet_in_browser($trouble, 'dark', dark => 1);
	my $paper = 'getComputedStyle(document.body).backgroundColor';
	is($light->value($paper), 'rgb(255, 255, 255)', 'light paper');
	isnt($dark->value($paper), 'rgb(255, 255, 255)', 'dark paper');
	$light->emulate(dark => 1);
	$light->settle;
	is($light->value($drawn), 7, 'charts are drawn again when it gets dark');
	is_deeply([ $light->complaints ], [], '... without complaint');
	$_->leave for $light, $dark;
};

subtest 'narrow' => sub {
	my $page = quiet_in_browser($trouble, 'narrow', width => 400);
	cmp_ok($page->value('document.scrollingElement.scrollWidth'), '<=', 400, 'the page itself does not scroll sideways');
	is($page->value($drawn), 7, 'charts are drawn');
	$page->leave;
};

subtest 'without scripts' => sub {
	my $page = quiet_in_browser($trouble, 'without scripts', scripts => 0);
	is($page->value(q{document.querySelectorAll('.canvas').length}), 0, 'nothing was replaced');
	is($page->value(q{[...document.querySelectorAll('svg.plot')].filter(svg => svg.getBoundingClientRect().height > 200).length}), 7, 'the pictures are there');
	is($page->value(q{document.querySelectorAll('details table').length}), 7, '... and the tables');
	$page->leave;
};

subtest 'on paper' => sub {
	my $page = quiet_in_browser($trouble, 'dark, printed', dark => 1, media => 'print');
	is($page->value('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)', 'white paper, whatever the screen is');
	is($page->value(q{[...document.querySelectorAll('svg.plot')].filter(svg => svg.getBoundingClientRect().height > 200).length}), 7, 'pictures instead of canvases');
	is($page->value(q{[...document.querySelectorAll('.canvas, nav, .ranges, details')].filter(e => e.getBoundingClientRect().height > 0).length}), 0, 'no control');
	like($page->pdf, qr/^%PDF-/, 'can be printed');
	$page->leave;
};

subtest 'by keyboard' => sub {
	my $page = quiet_in_browser($trouble, 'by keyboard');
	$page->value(q{document.querySelector('.canvas').focus()});
	$page->press('End');
	like($page->value(q{document.querySelector('output').textContent}), qr/^Tue,? 12 May.*: active \d+, idle in transaction \d+, idle \d+$/, 'a minute is read out');
	my $last = $page->value(q{document.querySelector('output').textContent});
	$page->press('ArrowLeft') for 1 .. 3;
	isnt($page->value(q{document.querySelector('output').textContent}), $last, '... and those before it');
	like($page->value(q{document.querySelector('.legend b').textContent}), qr/^\d+$/, 'the legend shows the value too');
	$page->value(q{[...document.querySelectorAll('.ranges button')].find(b => b.textContent === 'last day').click()});
	is($page->value(q{document.querySelector('.ranges [aria-pressed=true]').textContent}), 'last day', 'buttons choose a range');
	$page->value(q{document.querySelector('.canvas').focus()});
	$page->press('Escape');
	is($page->value(q{document.querySelector('.ranges [aria-pressed=true]').textContent}), 'everything', 'escape shows all again');
	is($page->value(q{[...document.querySelectorAll('[tabindex="0"]')].filter(e => !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')).length}), 0, 'whatever can have the focus has a name');
	is($page->value(q{[...document.querySelectorAll('[aria-labelledby], [aria-describedby]')].flatMap(e => (e.getAttribute('aria-labelledby') + ' ' + (e.getAttribute('aria-describedby') ?? '')).trim().split(' ')).filter(id => !document.getElementById(id)).join(' ')}), '', '... that exists');
	is_deeply([ $page->complaints ], [], 'no complaint');
	$page->leave;
};

# ---- comparisons --------------------------------------------------------------------

my %compared = (
	'trouble and mended' => 10,
	'trouble and hostile' => 10,
	'gaps and minute' => 10,
	'empty and mended' => 0);
for my $name (sort keys %compared)
{
	subtest $name => sub {
		my ($before, $after) = split / and /, $name;
		my $file = page($name =~ tr/ /-/r, '--before', sample($before), '--after', sample($after));
		my $page = quiet_in_browser($file, $name);
		is($page->value('document.documentElement.dataset.ready'), 'true', 'the script ran to its end');
		is($page->value($charts), $compared{$name}, 'charts');
		is($page->value($drawn), $compared{$name}, '... all drawn');
		is($page->value(q{document.querySelector('h1').textContent}), 'What changed', 'what it is about');
		$page->emulate(width => 400);
		$page->settle;
		cmp_ok($page->value('document.scrollingElement.scrollWidth'), '<=', 400, 'narrow, too');
		$page->leave;
	};
}

# ---- would this test notice? -----------------------------------------------------

subtest 'a broken page is noticed' => sub {
	my $text = PostgreSQL::Test::Utils::slurp_file($trouble);
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "no socket: $!";
	my $outside = 'http://127.0.0.1:' . $listener->sockport . '/leak';
	my $broken = sub {
		my ($name, $change) = @_;
		local $_ = $text;
		$change->();
		isnt($_, $text, "$name: changed");
		PostgreSQL::Test::Utils::append_to_file("$dir/broken $name.html", $_);
		return $browser->visit("file://$dir/broken%20$name.html");
	};
	my $allow = sub { s/<meta http-equiv="Content-Security-Policy"[^>]*>// or die };
	my $called = sub { return IO::Select->new($listener)->can_read(0) ? 1 : 0 };

	my $page = $broken->('script', sub { $allow->(); s/JSON\.parse/JSON.parsley/ });
	like(join("\n", $page->complaints), qr/TypeError.*parsley/, 'an error of the script');
	$page->leave;
	$page = $broken->('hash', sub { s/"use strict";/"use strict"; / });
	like(join("\n", $page->complaints), qr/Content Security Policy/, 'a script that is not the one that was built in');
	is($page->value('document.documentElement.dataset.ready'), undef, '... does not run');
	$page->leave;
	$page = $broken->('image', sub { s/<main>/<main><img alt="" src="$outside">/ });
	like(join("\n", $page->complaints), qr/Content Security Policy/, 'a request, which the policy stops');
	is($called->(), 0, '... before it gets anywhere');
	$page->leave;
	$page = $broken->('policy', sub { $allow->(); s/<main>/<main><img alt="" src="$outside">/ });
	is_deeply([ $page->requests ], [$outside], 'the same without the policy');
	is($called->(), 1, '... which gets through');
	$page->leave;
};

# ---- options, and a server ---------------------------------------------------------

my $file = sample('trouble');
my ($status, $stdout, $stderr) = pgleash('report', '--from', $file);
is($status, 0, 'to standard output');
is($stdout, PostgreSQL::Test::Utils::slurp_file($trouble), '... the same page');
is($stderr, '', '... and no note');
($status, $stdout) = pgleash('report', '--from', $file, '-o', '-');
is($stdout, PostgreSQL::Test::Utils::slurp_file($trouble), '- is standard output');
is(sprintf('%o', (stat $trouble)[2] & 0777 & umask), '0', 'the umask is obeyed');

$stdout = qx(script -qec '"$pgleash" report --from "$file"' /dev/null </dev/null);
is($? >> 8, 2, 'a terminal gets no HTML');
like($stdout, qr/the report is a page of HTML; give a file/, '... but what to do');
($status, $stdout, $stderr) = pgleash('report', '--from', $file, '-o', "$dir/none/x.html");
is($status, 1, 'a file that cannot be written');
like($stderr, qr/cannot write ".*x\.html"/, '... is named');
($status, $stdout, $stderr) = pgleash('report', '--from', "$dir/none.json");
is($status, 1, 'a snapshot that is not there');
like($stderr, qr/cannot read ".*none\.json"/, '... is named');
PostgreSQL::Test::Utils::append_to_file("$dir/half.json", substr PostgreSQL::Test::Utils::slurp_file($file), 0, 100_000);
($status, $stdout, $stderr) = pgleash('report', '--from', "$dir/half.json", '-o', "$dir/half.html");
is($status, 1, 'half a snapshot');
like($stderr, qr/^pgleash: error: snapshot ".*half\.json": it is cut short or no JSON\n$/, '... is one clear line');
ok(!-e "$dir/half.html", '... and no page');
($status, $stdout, $stderr) = pgleash('report', '--json');
is($status, 2, 'no JSON');
($status, $stdout, $stderr) = pgleash('report', '--after', $file);
is($status, 2, '--after alone');
like($stderr, qr/give that one with --before/, '... is said');
($status, $stdout, $stderr) = pgleash('report', '--from', $file, '--before', $file);
is($status, 2, '--from and --before');

my $server = LeashTest->start('report', conf => [ "pg_leash.idle_in_transaction_threshold = '100ms'", "pg_leash.debug_minute = '200ms'" ]);
$ENV{PGHOST} = $server->node->host;
$ENV{PGPORT} = $server->node->port;
$ENV{PGDATABASE} = 'postgres';
my $leak = $server->session(params => { application_name => q(<script>document.title="hostile"</script>) });
$leak->query('BEGIN');
$leak->query('SELECT 1');
$server->until('SELECT count(*) FROM leash.leaks WHERE leaked', '1');
$server->until('SELECT count(*) > 2 FROM leash.history');
$file = page('server');
my $page = quiet_in_browser($file, 'server');
is($page->value('document.title'), "PostgreSQL sessions of $ENV{PGHOST} port $ENV{PGPORT}", 'a report of a server');
like($page->value(q{document.getElementById('leaks').textContent}), qr/idle in transaction<script>document\.title="hostile"<\/script>/, 'its leak, by its name');
cmp_ok($page->value($charts), '>=', 3, 'its minutes are drawn');
is($page->value($drawn), $page->value($charts), '... all of them');
like($page->value(q{document.getElementById('compute').textContent}), qr/the whole server/, 'its compute hours');
$page->leave;

$file = page('compared', '--before', sample('trouble'));
$page = quiet_in_browser($file, 'compared');
like($page->value(q{document.querySelector('.caution').textContent}), qr/These are different servers.*db1\.shop\.example:5432 and \Q$ENV{PGHOST}\E/, 'a snapshot compared with a server');
$page->leave;

done_testing();
