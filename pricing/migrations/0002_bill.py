
import datetime
import django.core.validators
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pricing', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Adjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('provider', 'provider'), ('account', 'account'), ('api_key', 'client key')], max_length=16)),
                ('value', models.CharField(help_text='Provider or account as requests show it, or a client key, which is kept as its fingerprint.', max_length=255)),
                ('valid_from', models.DateField(blank=True, help_text='Local date; empty means always.', null=True, validators=[django.core.validators.MinValueValidator(datetime.date(2000, 1, 1), 'No price is that old: leave the date empty for always.'), django.core.validators.MaxValueValidator(datetime.date(2199, 12, 31), 'That date is too far away.')])),
                ('factor', models.DecimalField(decimal_places=6, default=Decimal('1'), help_text='What every rate is multiplied by: 0.3 is 30% of the list price.', max_digits=10, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)])),
                ('request', models.BigIntegerField(default=0, help_text='Pico-USD for each successful request.', validators=[django.core.validators.MinValueValidator(0, 'A rate is never negative.'), django.core.validators.MaxValueValidator(100000000000000, 'A fee is at most 100 USD per request.')])),
                ('note', models.CharField(blank=True, max_length=255)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['scope', 'value', models.OrderBy(models.F('valid_from'), nulls_first=True)],
            },
        ),
        migrations.CreateModel(
            name='Route',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(blank=True, max_length=255)),
                ('auth_index', models.CharField(blank=True, max_length=255)),
                ('seller', models.CharField(help_text="The catalogue's id of the provider.", max_length=64)),
            ],
        ),
        migrations.AlterModelOptions(
            name='ratecard',
            options={'ordering': ['tier', 'context_over', 'hours_from']},
        ),
        migrations.RemoveConstraint(
            model_name='priceset',
            name='one_set_per_day_and_origin',
        ),
        migrations.RemoveConstraint(
            model_name='priceset',
            name='one_set_for_always_and_origin',
        ),
        migrations.RemoveConstraint(
            model_name='ratecard',
            name='one_card_per_tier_and_step',
        ),
        migrations.AddField(
            model_name='priceset',
            name='scope',
            field=models.CharField(blank=True, choices=[('', 'all usage'), ('provider', 'provider'), ('account', 'account'), ('api_key', 'client key'), ('seller', 'seller in the catalogue')], default='', max_length=16),
        ),
        migrations.AddField(
            model_name='priceset',
            name='scope_value',
            field=models.CharField(blank=True, help_text='Provider or account as requests show it, or a client key, which is kept as its fingerprint.', max_length=255),
        ),
        migrations.AddField(
            model_name='ratecard',
            name='cache_write_1h',
            field=models.BigIntegerField(blank=True, help_text='Empty: the cache_write rate.', null=True, validators=[django.core.validators.MinValueValidator(0, 'A rate is never negative.'), django.core.validators.MaxValueValidator(10000000000, 'A rate is at most 10,000 USD per million tokens.')]),
        ),
        migrations.AddField(
            model_name='ratecard',
            name='hours_from',
            field=models.IntegerField(blank=True, help_text='First minute of the UTC day it holds in; empty: all day.', null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1440), django.core.validators.StepValueValidator(15)]),
        ),
        migrations.AddField(
            model_name='ratecard',
            name='hours_to',
            field=models.IntegerField(blank=True, help_text='The minute of the UTC day at which it ends, perhaps of the next day.', null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1440), django.core.validators.StepValueValidator(15)]),
        ),
        migrations.AddField(
            model_name='ratecard',
            name='request',
            field=models.BigIntegerField(blank=True, help_text='Pico-USD for each success. Empty: none.', null=True, validators=[django.core.validators.MinValueValidator(0, 'A rate is never negative.'), django.core.validators.MaxValueValidator(100000000000000, 'A fee is at most 100 USD per request.')]),
        ),
        migrations.AlterField(
            model_name='ratecard',
            name='tier',
            field=models.CharField(blank=True, choices=[('', 'standard'), ('flex', 'Flex'), ('priority', 'Priority'), ('batch', 'Batch'), ('fast', 'fast (Claude)')], default='', max_length=16),
        ),
        migrations.AddConstraint(
            model_name='priceset',
            constraint=models.UniqueConstraint(fields=('model', 'origin', 'scope', 'scope_value', 'valid_from'), name='one_set_per_day_and_origin', violation_error_message='The model has a price from this day on already: change that one.'),
        ),
        migrations.AddConstraint(
            model_name='priceset',
            constraint=models.UniqueConstraint(condition=models.Q(('valid_from', None)), fields=('model', 'origin', 'scope', 'scope_value'), name='one_set_for_always_and_origin', violation_error_message='The model has a price for always already: change that one.'),
        ),
        migrations.AddConstraint(
            model_name='ratecard',
            constraint=models.UniqueConstraint(fields=('price_set', 'tier', 'context_over', 'hours_from'), name='one_card_per_tier_and_step', violation_error_message='The set has a card of this tier, context size and hour already.'),
        ),
        migrations.AddConstraint(
            model_name='ratecard',
            constraint=models.UniqueConstraint(condition=models.Q(('hours_from', None)), fields=('price_set', 'tier', 'context_over'), name='one_card_for_all_hours', violation_error_message='The set has a card of this tier and context size already.'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.UniqueConstraint(fields=('scope', 'value', 'valid_from'), name='one_adjustment_a_day', violation_error_message='It has an adjustment from this day on already: change that one.'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.UniqueConstraint(condition=models.Q(('valid_from', None)), fields=('scope', 'value'), name='one_adjustment_for_always', violation_error_message='It has an adjustment for always already: change that one.'),
        ),
        migrations.AddConstraint(
            model_name='route',
            constraint=models.UniqueConstraint(fields=('provider', 'auth_index'), name='one_seller_a_route'),
        ),
    ]
