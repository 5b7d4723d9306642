# pgleash: its completion scripts in the shells that they are for.  No server is needed.

use strict;
use warnings;

use File::Temp;
use IPC::Run;
use FindBin;
use lib $FindBin::RealBin;

use JSON::PP;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = PostgreSQL::Test::Utils::tempdir();

# What a shell completes is a program by that name.
mkdir "$folder/bin";
symlink((-e $pgleash && $pgleash !~ m{^/} ? "$ENV{PWD}/$pgleash" : $pgleash), "$folder/bin/pgleash") or die $!;
$ENV{PATH} = "$folder/bin:$ENV{PATH}";

my %script;
for my $shell (qw(bash zsh fish))
{
	my ($stdout, $stderr) = run_command([ $pgleash, 'completion', $shell ]);
	is($stderr, '', "$shell: a script");
	$script{$shell} = "$folder/pgleash.$shell";
	open my $out, '>', $script{$shell} or die $!;
	print {$out} "$stdout\n";
	close $out or die $!;
}
command_checks_all([ $pgleash, 'completion', 'tcsh' ], 2, [qr/^$/],
	[qr/^pgleash: error: no script for "tcsh"; completion takes bash, zsh, fish or json$/], 'another shell');

# What there is: the tree says.
my ($json) = run_command([ $pgleash, 'completion', 'json' ]);
my $tree = decode_json($json);
my @commands = map { $_->{name} } grep { !$_->{hidden} } @{ $tree->{commands} };
my ($advise) = grep { $_->{name} eq 'advise' } @{ $tree->{commands} };
my ($for) = grep { $_->{names}[0] eq '--for' } @{ $advise->{options} };
my @clients = @{ $for->{choices} };
ok(@commands > 15 && @clients > 10, 'commands and clients are in the tree');
ok(!(grep { $_ eq 'completion' } @commands), 'what is hidden is not offered');

# [ what was typed, what is offered ]
my @cases = (
	[ ['pol'], ['policy'] ],
	[ [''], \@commands ],
	[ [ 'policy', '' ], [qw(list show diff apply test)] ],
	[ [ 'policy', 'a' ], ['apply'] ],
	[ [ '-h', 'db1', 'policy', 'sh' ], ['show'] ],
	[ [ '--host', 'status', 'hea' ], ['health'] ],
	[ [ 'advise', '--for', '' ], \@clients ],
	[ [ 'advise', 'pools', '--for', 'hik' ], ['hikari'] ],
	[ [ 'advise', '' ], [qw(pools settings indexes)] ],
	[ [ '--format', '' ], [qw(table json csv)] ],
	[ [ 'plan', '--format', '' ], [qw(markdown html json)] ],
	[ [ 'leaks', '--state', 'idle-' ], ['idle-in-transaction'] ],
	[ [ 'leaks', '--min-i' ], ['--min-idle'] ],
	[ [ 'health', '--skip', 'cache' ], ['cache_hit'] ],
	[ [ 'sessions', '--sort', 'idle_f' ], ['idle_for'] ],
	[ [ '--dbn' ], ['--dbname'] ],
	[ [ 'status', '--app' ], [] ],
	[ [ 'status', '--watch', '' ], [] ],
);

sub is_here
{
	my ($program) = @_;
	return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

sub same
{
	my ($got, $expected, $name) = @_;
	return is_deeply([ sort @$got ], [ sort @$expected ], $name);
}

# In bash as readline calls it; '=' is a word of its own there.
sub bash_offers
{
	my (@words) = @_;
	my ($out, $err);
	IPC::Run::run([ 'bash', '-c', <<'EOT', 'bash', $script{bash}, 'pgleash', @words ], '>', \$out, '2>', \$err);
. "$1"
shift
complete -p pgleash | grep -q -- '-F _pgleash' || exit 1
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_pgleash
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
EOT
	diag($err) if $err;
	return [ split /\n/, $out ];
}

for my $case (@cases)
{
	my ($words, $expected) = @$case;
	same(bash_offers(@$words), $expected, "bash: pgleash @$words<TAB>");
}
same(bash_offers('--format', '=', 'j'), ['json'], 'bash: pgleash --format=j<TAB>');
same(bash_offers('--format', '='), [qw(table json csv)], 'bash: pgleash --format=<TAB>');
same(bash_offers('--format', '=', 'json', 'pol'), ['policy'], 'bash: pgleash --format=json pol<TAB>');
{
	open my $out, '>', "$folder/policies.toml" or die $!;
	close $out or die $!;
	for my $words ([ 'policy', 'apply', "$folder/pol" ], [ 'report', '-o', "$folder/pol" ], [ 'plan', '--from', "$folder/pol" ])
	{
		same(bash_offers(@$words), ["$folder/policies.toml"], "bash: a file: @$words[0 .. 1]");
	}
}

SKIP:
{
	skip 'no fish here', scalar @cases unless is_here('fish');
	for my $case (@cases)
	{
		my ($words, $expected) = @$case;
		my $line = join ' ', 'pgleash', @$words;
		my ($out, $err);
		IPC::Run::run([ 'fish', '--no-config', '-c', "source $script{fish}; complete -C '$line'" ], '>', \$out, '2>', \$err);
		diag($err) if $err;
		same([ map { (split /\t/)[0] } split /\n/, $out ], $expected, "fish: $line<TAB>");
	}
}

# In zsh its own functions tell what they were given; the line editor is not asked.
my $zsh = <<'EOT';
offered=()
_describe() { local list=${@[-1]}; local -a all; all=(${(P)list}); offered+=(${all%%:*}); }
_files() { offered+=(FILES); }
compset() { PREFIX=${PREFIX#*=}; }
compdef() { :; }
. "$1"
shift
words=("$@") CURRENT=$# PREFIX=${@[-1]}
_pgleash
for word in $offered; do
    [[ $word != $PREFIX* && $word != FILES ]] || print -r -- $word
done
EOT

sub zsh_offers
{
	my (@words) = @_;
	my ($out, $err);
	IPC::Run::run([ 'zsh', '-f', '-c', $zsh, 'zsh', $script{zsh}, 'pgleash', @words ], '>', \$out, '2>', \$err);
	diag($err) if $err;
	return [ split /\n/, $out ];
}

# Types at a zsh on a terminal and returns what the line has become.
sub zsh_completes
{
	my ($typed, $wanted) = @_;
	my ($in, $out) = ('', '');
	my $shell = IPC::Run::start([ 'zsh', '-f', '-i' ], '<pty<', \$in, '>pty>', \$out,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$in .= "PS1='ready> '; fpath=($folder/zsh \$fpath); autoload -U compinit; compinit -u -D; echo com''pinit\n";
	$shell->pump until $out =~ /compinit\r?\n.*ready> /s;
	$out = '';
	$in .= "$typed\t";
	eval { $shell->pump until $out =~ $wanted; 1 } or diag("zsh: $out");
	my $line = $out;
	$in .= "\x15exit\n";    # Ctrl-U
	eval { $shell->finish; 1 } or $shell->kill_kill;
	return $line;
}

SKIP:
{
	skip 'no zsh here', @cases + 3 unless is_here('zsh');
	for my $case (@cases)
	{
		my ($words, $expected) = @$case;
		same(zsh_offers(@$words), $expected, "zsh: pgleash @$words<TAB>");
	}
	same(zsh_offers('--format=j'), ['json'], 'zsh: pgleash --format=j<TAB>');
	same(zsh_offers('policy', 'apply', 'x'), ['FILES'], 'zsh: a file');
	mkdir "$folder/zsh";
	link $script{zsh}, "$folder/zsh/_pgleash" or die $!;
	like(zsh_completes('pgleash pol', qr/pgleash policy/), qr/pgleash policy/, 'zsh: at a terminal');
}

done_testing();
