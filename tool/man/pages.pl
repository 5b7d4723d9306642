#!/usr/bin/env perl
# Makes the manual pages: what NAME.scd says in prose, and options, commands and settings
# as the program itself knows them.
#
# pages.pl --scdoc PROGRAM --version VERSION TREE PROSE_FOLDER OUTPUT_FOLDER
#
# TREE is what "pgleash completion json" prints.
use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Getopt::Long;
use JSON::PP;

my ($scdoc, $version) = ('scdoc', '');
GetOptions('scdoc=s' => \$scdoc, 'version=s' => \$version) && @ARGV == 3
  or die "usage: $0 --scdoc PROGRAM --version VERSION TREE PROSE_FOLDER OUTPUT_FOLDER\n";
my ($tree_file, $prose, $output) = @ARGV;

my $tree = decode_json(contents($tree_file));
my @commands = grep { !$_->{hidden} } @{ $tree->{commands} };

sub contents
{
	my ($file) = @_;
	open my $in, '<:raw', $file or die "$file: $!\n";
	local $/ = undef;
	return scalar <$in>;
}

# Text in which scdoc finds nothing to format.
sub plain
{
	my ($text) = @_;
	$text =~ s/([\\_*`#<>|\[\]{}~-])/\\$1/g;
	return $text;
}

sub bold { my ($text) = @_; return '*' . plain($text) . '*' }
sub slanted { my ($text) = @_; return '_' . plain($text) . '_' }

# What a command's help says below its options, in paragraphs.
sub footer
{
	my ($command) = @_;
	my $text = $command->{footer};
	$text =~ s/^Connection and output options are those of.*?$//m;
	my $out = '';
	for my $paragraph (split /\n\s*\n/, $text)
	{
		$paragraph =~ s/^\n+|\s+$//g;
		next if $paragraph eq '';
		if ($paragraph =~ /^ {4}/)
		{
			$paragraph =~ s/^ {4}//mg;
			$out .= "```\n$paragraph\n```\n\n";
			next;
		}
		$out .= plain($paragraph) . "\n\n";
	}
	return $out;
}

sub option
{
	my ($option) = @_;
	my $names = join ', ', map { bold($_) } @{ $option->{names} };
	my $value = $option->{type} eq '' ? '' : ' ' . slanted($option->{type});
	my $text = $option->{text};
	my $choices = join ', ', @{ $option->{choices} };
	$text .= ": $choices" if $choices ne '' && $text !~ /\Q$option->{choices}[0]\E/ && length $choices < 400;
	$text .= ' (repeatable)' if $option->{repeatable} && $text !~ /repeatable/;
	return "$names$value\n\t" . plain($text) . "\n\n";
}

# By the headings that the help has too.
sub options
{
	my ($command, $heading) = @_;
	my (@groups, %of);
	for my $option (@{ $command->{options} })
	{
		next if $command->{name} ne '' && $option->{names}[-1] eq '--help';
		push @groups, $option->{group} unless $of{ $option->{group} };
		push @{ $of{ $option->{group} } }, $option;
	}
	return '' unless @groups;
	my $out = $heading;
	for my $group (@groups)
	{
		$out .= "## $group\n\n" if $heading =~ /^# / && @groups > 1;
		$out .= option($_) for @{ $of{$group} };
	}
	return $out;
}

sub words
{
	my ($command) = @_;
	return join '', map {
		my $word = slanted($_->{names}[0]) . ($_->{repeatable} ? '...' : '');
		' ' . ($_->{repeatable} ? "[$word]" : $word)
	} @{ $command->{words} };
}

sub synopsis
{
	my ($command) = @_;
	return bold('pgleash') . " [_OPTIONS_] _COMMAND_ [_OPTIONS_]\n\n" if $command->{name} eq '';
	my $out = '';
	for my $one ($command, @{ $command->{commands} })
	{
		$out .= bold("pgleash $one->{name}") . ' [_OPTIONS_]' . words($one) . "\n\n" if $one->{runs};
	}
	return $out;
}

# The commands of a group, each with what its own help says.
sub subcommands
{
	my ($command) = @_;
	my $out = '';
	for my $below (@{ $command->{commands} })
	{
		(my $heading = $below->{name} . words($below)) =~ s/_//g;    # not formatted in headings
		$out .= '## ' . $heading . "\n\n" . plain(ucfirst $below->{text}) . ".\n\n";
		$out .= footer($below) . options($below, '');
	}
	return $out eq '' ? '' : "# COMMANDS\n\n$out";
}

sub list_of_commands
{
	return "# COMMANDS\n\n" . join '',
	  map { '*' . plain("pgleash-$_->{name}") . "*(1)\n\t" . plain($_->{text}) . "\n\n" } @commands;
}

sub settings
{
	my $out = '';
	for my $setting (@{ $tree->{settings} })
	{
		(my $key = $setting->{key}) =~ s/\*$/CHECK/;
		my $variable = $setting->{variable} . ($setting->{key} =~ /\*$/ ? 'CHECK' : '');
		my $fallback = $setting->{fallback} eq '' ? 'none' : $setting->{fallback};
		$out .= bold($key) . ', ' . bold($variable) . "\n\t" . plain("$setting->{meaning}: $setting->{wanted}. Default: $fallback.") . "\n\n";
	}
	return $out;
}

sub head
{
	my ($name, $section, $text) = @_;
	return qq{$name($section) "pg_leash $version" "pg_leash"\n\n# NAME\n\n$name - } . plain($text) . "\n\n";
}

# Prose has headings of its own behind the first paragraphs, which are the description.
sub prose
{
	my ($name) = @_;
	my $file = "$prose/$name.scd";
	return -e $file ? split /^(?=# )/m, contents($file), 2 : ('', '');
}

sub see_also
{
	my ($name, @others) = @_;
	my @pages = map { '*' . plain($_->[0]) . "*($_->[1])" } grep { $_->[0] ne $name } @others;
	return "# SEE ALSO\n\n" . join(', ', @pages) . "\n";
}

my @common = ([ 'pgleash', 1 ], [ 'pgleash.toml', 5 ]);

sub page
{
	my ($command) = @_;
	my $name = $command->{name} eq '' ? 'pgleash' : "pgleash-$command->{name}";
	my ($description, $more) = prose($command->{name} eq '' ? 'pgleash' : $command->{name});
	$more = (defined $more ? "$more\n" : '');
	my $text = head($name, 1, $command->{name} eq '' ? 'keeps PostgreSQL sessions on a leash' : $command->{text});
	$text .= "# SYNOPSIS\n\n" . synopsis($command);
	my $own = $command->{runs} ? footer($command) : '';
	$text .= "# DESCRIPTION\n\n" . ($description || '') . "\n" . $own;
	$text .= $command->{name} eq '' ? list_of_commands() : subcommands($command);
	$text .= options($command, "# OPTIONS\n\n");
	$text .= "Connection and output options are described in *pgleash*(1).\n\n" if $command->{name} ne '';
	$text .= $more . see_also($name, @common);
	return ($name, 1, $text);
}

sub toml_page
{
	my ($description, $more) = prose('pgleash.toml');
	return ('pgleash.toml', 5,
		head('pgleash.toml', 5, 'settings of pgleash') . "# DESCRIPTION\n\n$description\n# SETTINGS\n\n"
		  . settings() . ($more // '') . "\n" . see_also('pgleash.toml', [ 'pgleash', 1 ], [ 'pgleash-config', 1 ], [ 'pgleash-health', 1 ]));
}

sub write_page
{
	my ($name, $section, $text) = @_;
	$text =~ s/\n{3,}/\n\n/g;
	make_path("$output/man$section");
	my $file = "$output/man$section/$name.$section";
	open my $pipe, '|-:raw', "$scdoc >'$file'" or die "$scdoc: $!\n";
	print {$pipe} $text;
	close $pipe or die "$scdoc could not make $name.$section of:\n$text\n";
	my $made = contents($file);
	# scdoc begins more paragraphs than there are, and some within what they follow.
	1 while $made =~ s/^\.PP?\n\.RE\n/.RE\n.P\n/mg;
	1 while $made =~ s/^\.PP?\n(?=\.(?:PP?|SH|SS)\b|\z)//mg;
	$made =~ s/^(\.S[HS] .*\n)\.PP?\n/$1/mg;
	open my $out, '>:raw', $file or die "$file: $!\n";
	print {$out} $made;
	close $out or die "$file: $!\n";
	return;
}

remove_tree($output);
write_page(page($_)) for ({ %$tree, name => "", runs => 1 }, @commands);
write_page(toml_page());
