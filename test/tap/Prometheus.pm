# A Prometheus of a test's own, as a process that goes with it; asked by its HTTP API.
package Prometheus;

use strict;
use warnings;

use ClientProgram;
use HTTP::Tiny;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time usleep);

# Where it is; undefined where it is not installed.
sub program
{
	my ($program) = grep { -x } map { "$_/prometheus" } split(/:/, $ENV{PATH}), '/usr/bin';
	return $program;
}

# Prometheus->start(target => ADDRESS, rules => FILE): scrapes and judges each second.
sub start
{
	my ($class, %option) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir('prometheus');
	my $address = '127.0.0.1:' . PostgreSQL::Test::Cluster::get_free_port();
	my $self = bless { url => "http://$address/api/v1", http => HTTP::Tiny->new(timeout => 30) }, $class;
	append_to_file("$dir/prometheus.yml", <<"EOF");
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: ['$option{rules}']
scrape_configs:
  - job_name: pgleash
    static_configs:
      - targets: ['$option{target}']
EOF
	# it goes when we do, whatever becomes of us
	$self->{program} = ClientProgram->new(
		program(),
		around => [qw(setpriv --pdeathsig TERM --)],
		args => [ "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data", "--web.listen-address=$address", '--log.level=warn' ]);
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	until (eval { $self->query('vector(1)') })
	{
		die 'Prometheus does not answer: ' . ($@ || '') . $self->{program}->errors if time > $until;
		usleep 100_000;
	}
	return $self;
}

sub _ask
{
	my ($self, $what, $form) = @_;
	my $answer = $form ? $self->{http}->post_form("$self->{url}/$what", $form) : $self->{http}->get("$self->{url}/$what");
	my $document = eval { JSON::PP->new->utf8->decode($answer->{content}) };
	die "Prometheus: $answer->{status} $answer->{content}\n" unless $document && $document->{status} eq 'success';
	return $document->{data};
}

# The samples that an expression selects now.  Dies for one that is wrong.
sub query
{
	my ($self, $expression) = @_;
	return $self->_ask('query', { query => $expression })->{result};
}

# Rules by name.
sub rules
{
	my ($self) = @_;
	return { map { ($_->{name} => $_) } map { @{ $_->{rules} } } @{ $self->_ask('rules')->{groups} } };
}

# Alerts of a name.
sub alerts
{
	my ($self, $name) = @_;
	return grep { $_->{labels}{alertname} eq $name } @{ $self->_ask('alerts')->{alerts} };
}

1;
