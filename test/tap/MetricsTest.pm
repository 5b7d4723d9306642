# What the tests of metrics share: pgleash metrics is run, what it prints is read as
# Prometheus would.
package MetricsTest;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(scrape read_metrics metric promtool_ok);

# The metrics of one run, which must work: in the form of read_metrics(), and as text.
sub scrape
{
	my (@arguments) = @_;
	my ($status, $stdout, $stderr) = pgleash('metrics', @arguments);
	is($status, 0, "metrics @arguments") or diag $stderr;
	return wantarray ? (read_metrics($stdout), $stdout, $stderr) : read_metrics($stdout);
}

# { 'name{label="value",...}' => value }, labels in the order of their names; a series that
# comes twice, a line that is none and a type that is missing are failures.
sub read_metrics
{
	my ($text) = @_;
	my (%series, %type, @wrong);
	ok(utf8::decode(my $copy = $text), 'what it prints is UTF-8');
	for my $line (split /\n/, $text)
	{
		if ($line =~ /^# TYPE (\w+) (counter|gauge|histogram)$/) { $type{$1} = $2; next; }
		next if $line =~ /^# HELP \w+ \S/;
		if ($line !~ /^(\w+)(?:\{(.*)\})? (\S+)$/) { push @wrong, $line; next; }
		my ($name, $labels, $value) = ($1, $2 // '', $3);
		my %label;
		while ($labels =~ s/^(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)//) { $label{$1} = $2; }
		my $family = $name =~ s/_(bucket|sum|count)$//r;
		push @wrong, $line
		  if $labels ne '' || !($type{$name} || ($type{$family} // '') eq 'histogram');
		my $key = $name . '{' . join(',', map { "$_=\"$label{$_}\"" } sort keys %label) . '}';
		push @wrong, "twice: $line" if exists $series{$key};
		$series{$key} = $value;
	}
	is_deeply(\@wrong, [], 'each line is in the format of Prometheus');
	return \%series;
}

# The value of a series: metric(METRICS, name => { label => value, ... }).
sub metric
{
	my ($metrics, $name, $labels) = @_;
	return $metrics->{ "pg_leash_$name" . '{' . join(',', map { "$_=\"$labels->{$_}\"" } sort keys %{ $labels // {} }) . '}' };
}

# What Prometheus' own tool says of a text.
sub promtool_ok
{
	my ($text, $name) = @_;
  SKIP:
	{
		my ($promtool) = grep { -x } map { "$_/promtool" } split /:/, $ENV{PATH};
		skip 'promtool is not installed (package prometheus)', 1 unless $promtool;
		my $says = '';
		IPC::Run::run([ $promtool, 'check', 'metrics' ], '<', \$text, '>', \$says, '2>&1');
		is($says, '', "promtool finds nothing: $name");
	}
	return;
}

1;
