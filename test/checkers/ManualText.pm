# The manual as its checker sees it: sections, code in lines, blocks of code, links.
package ManualText;

use strict;
use warnings;

# ManualText->read(PATH, NAME): lines count from 1.
sub read    ## no critic
{
	my ($class, $path, $name) = @_;
	open my $in, '<:encoding(UTF-8)', $path or die "$path: $!\n";
	chomp(my @lines = <$in>);
	my $self = bless { name => $name, lines => \@lines, blocks => [], sections => [], spans => [], links => [] }, $class;
	$self->_sort_out;
	return $self;
}

sub text
{
	my ($self) = @_;
	return join "\n", @{ $self->{lines} };
}

# Of a heading as it stands in the page; undef: there is none.
sub section
{
	my ($self, $matches) = @_;
	my ($found) = grep { $_->{heading} =~ $matches } @{ $self->{sections} };
	return $found;
}

# What links to a heading say behind the #, as GitHub makes it.
sub anchors
{
	my ($self) = @_;
	return map {
		(my $anchor = lc $_->{heading}) =~ s/[^\w\- ]//g;
		$anchor =~ s/ /-/g;
		($anchor => 1)
	} @{ $self->{sections} };
}

sub _sort_out
{
	my ($self) = @_;
	my $lines = $self->{lines};
	my $marker;
	for (my $i = 0; $i < @$lines; $i++)
	{
		my $line = $lines->[$i];
		if ($line =~ /^```(.*)$/)
		{
			$i = $self->_fenced($i, $1, $marker);
			$marker = undef;
		}
		elsif ($line =~ /^(?: {4}|\t)\S/ && ($i == 0 || $lines->[ $i - 1 ] =~ /^(?:\s*|<!--.*-->)$/))
		{
			$i = $self->_indented($i, $marker);
			$marker = undef;
		}
		elsif ($line =~ /^<!-- not run:\s*(.*?)\s*-->$/)
		{
			$marker = $1;
		}
		elsif ($line =~ /\S/)
		{
			$marker = undef;
			$self->_prose($i);
		}
	}
	return;
}

sub _fenced
{
	my ($self, $begin, $language, $marker) = @_;
	my $end = $begin + 1;
	$end++ while $end < @{ $self->{lines} } && $self->{lines}[$end] !~ /^```$/;
	$self->_block($begin + 1, $end - 1, $language, $marker, '');
	return $end;
}

sub _indented
{
	my ($self, $begin, $marker) = @_;
	my $end = $begin;
	$end++ while $end + 1 < @{ $self->{lines} } && $self->{lines}[ $end + 1 ] =~ /^(?: {4}|\t|\s*$)/;
	$end-- while $self->{lines}[$end] !~ /\S/;
	$self->_block($begin, $end, 'indented', $marker, '    ');
	return $end;
}

sub _block
{
	my ($self, $from, $to, $language, $marker, $indent) = @_;
	my @lines = @{ $self->{lines} }[ $from .. $to ];
	s/^$indent// for @lines;
	push @{ $self->{blocks} }, { line => $from + 1, language => $language, marker => $marker, lines => \@lines, text => join("\n", @lines) . "\n" };
	$self->{sections}[-1]{text} .= join("\n", @lines) . "\n" if @{ $self->{sections} };
	return;
}

sub _prose
{
	my ($self, $i) = @_;
	my $line = $self->{lines}[$i];
	if ($line =~ /^(#+)\s+(.*)$/)
	{
		push @{ $self->{sections} }, { heading => $2, level => length $1, line => $i + 1, text => '' };
	}
	$self->{sections}[-1]{text} .= "$line\n" if @{ $self->{sections} };
	push @{ $self->{spans} }, { line => $i + 1, text => $1 } while $line =~ /`([^`]+)`/g;
	push @{ $self->{links} }, { line => $i + 1, target => $1 } while $line =~ /\]\(([^)\s]+)\)/g;
	return;
}

1;
