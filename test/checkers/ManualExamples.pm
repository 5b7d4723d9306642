# Runs the examples of a page: ```sql, ```console and ```toml, in their order, against the
# server that PGHOST and the like name.
package ManualExamples;

use strict;
use warnings;

use File::Temp;

# What examples take for granted.
my $PRELUDE = <<'EOT';
CREATE EXTENSION IF NOT EXISTS pg_leash;
CREATE ROLE app LOGIN;
CREATE ROLE shop LOGIN;
CREATE ROLE reporting LOGIN;
CREATE ROLE nightly LOGIN;
CREATE ROLE developer LOGIN;
CREATE ROLE exporter LOGIN;
CREATE ROLE monitor LOGIN;
CREATE TABLE orders AS SELECT id, id % 100 AS customer, 'new' AS status FROM generate_series(1, 1000) AS id;
EOT

# Between two pages.
my $ANEW = <<'EOT';
DELETE FROM leash.policies;
ALTER SYSTEM RESET ALL;
SELECT pg_reload_conf();
EOT

my $LOOKS_LIKE_ONE = qr/^(?:\$ |sudo |pgleash |psql |script\/|bench\/|apt|make |cmake |systemctl |SELECT |GRANT |CREATE |ALTER |INSERT |UPDATE )/m;

# ManualExamples->new(pgleash => PATH, root => TREE)
sub new
{
	my ($class, %self) = @_;
	my $folder = File::Temp->newdir;
	my $self = bless { %self, folder => $folder, ran => 0 }, $class;
	mkdir "$folder/bin";
	symlink $self->{pgleash}, "$folder/bin/pgleash" or die $!;
	$ENV{PATH} = "$folder/bin:$ENV{PATH}";
	$ENV{PGLEASH_CONFIG} = '';
	# A file of policies, as examples call it.
	symlink "$self->{root}/tool/examples/policies.toml", "$folder/policies.toml" or die $!;
	my $said = $self->_sql($PRELUDE);
	die "the examples cannot be prepared: $said\n" if defined $said;
	return $self;
}

# Problems of a page's examples: [line, text].
sub problems
{
	my ($self, $page) = @_;
	my @problems;
	for my $block (@{ $page->{blocks} })
	{
		my $said = $self->_problem($block);
		push @problems, [ $block->{line}, $said ] if defined $said;
	}
	my $said = $self->_sql($ANEW);
	push @problems, [ 1, "the server could not be set back: $said" ] if defined $said;
	return @problems;
}

sub _problem
{
	my ($self, $block) = @_;
	my $language = $block->{language};
	if (defined $block->{marker})
	{
		return $block->{marker} eq '' ? 'the marker "not run" lacks its reason' : undef;
	}
	return 'a block without a language' if $language eq '';
	return "write \"$language\" as console, with \$ before what is typed" if $language =~ /^(?:sh|bash|shell)$/;
	if ($language eq 'indented')
	{
		return $block->{text} =~ $LOOKS_LIKE_ONE ? 'an example: write it as sql or console, or mark it "<!-- not run: WHY -->"' : undef;
	}
	return $self->_count($self->_sql($block->{text})) if $language eq 'sql';
	return $self->_count($self->_console($block)) if $language eq 'console';
	return $self->_count($self->_toml($block->{text})) if $language eq 'toml';
	return;
}

sub _count
{
	my ($self, $said) = @_;
	$self->{ran}++;
	return $said;
}

sub _sql
{
	my ($self, $text) = @_;
	$text =~ s/CREATE EXTENSION (?=pg_leash)/CREATE EXTENSION IF NOT EXISTS /g;
	$self->_write('block.sql', $text);
	return $self->_run('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$self->{folder}/block.sql");
}

sub _console
{
	my ($self, $block) = @_;
	my ($script, $goes_on, $until) = ('', 0, undef);
	for my $line (@{ $block->{lines} })
	{
		next unless $goes_on || defined $until || $line =~ /^\$ /;
		(my $command = $line) =~ s/^\$ //;
		$script .= "$command\n";
		if (defined $until)
		{
			$until = undef if $line eq $until;
			next;
		}
		$goes_on = $command =~ /\\$/;
		$until = $1 if $command =~ /<<'(\w+)'/;
	}
	return 'nothing is typed here: no line begins with $' if $script eq '';
	# Where packages and "cmake --install" put it.
	$script =~ s{/usr/(?:local/)?share/pgleash/}{$self->{root}/tool/examples/}g;
	$script =~ s{\bscript/}{$self->{root}/script/}g;
	$self->_write('block.sh', "set -euo pipefail\n$script");
	return $self->_run('bash', "$self->{folder}/block.sh");
}

# Policies, or settings of the tool.
sub _toml
{
	my ($self, $text) = @_;
	$self->_write('block.toml', $text);
	return $self->_run('pgleash', 'policy', 'test', "$self->{folder}/block.toml") if $text =~ /^\[\[policy\]\]/m;
	local $ENV{PGLEASH_CONFIG} = "$self->{folder}/block.toml";
	return $self->_run('pgleash', 'config', 'show');
}

sub _write
{
	my ($self, $name, $text) = @_;
	open my $out, '>:encoding(UTF-8)', "$self->{folder}/$name" or die $!;
	print {$out} $text;
	close $out or die $!;
	return;
}

# In the folder, in which examples may leave files; undef, or what it said when it failed.
sub _run
{
	my ($self, @command) = @_;
	my $pid = fork // die $!;
	if ($pid == 0)
	{
		chdir $self->{folder} or die $!;
		open STDIN, '<', '/dev/null' or die $!;
		open STDOUT, '>', "$self->{folder}/said" or die $!;
		open STDERR, '>&', \*STDOUT or die $!;
		exec 'timeout', '30', @command or die $!;
	}
	waitpid $pid, 0;
	return if $? == 0;
	my $status = $? >> 8;
	open my $in, '<:encoding(UTF-8)', "$self->{folder}/said" or die $!;
	my @said = <$in>;
	chomp @said;
	return "it does not run (status $status): " . join ' / ', splice @said, @said > 3 ? -3 : 0;
}

1;
