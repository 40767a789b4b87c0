"""What a browser sends from a form of the admin as it was opened."""

import re

INPUT = re.compile(r'<input[^>]*?\bname="([^"]+)"[^>]*>')
VALUE = re.compile(r'\bvalue="([^"]*)"')


def sent(form):
    """The fields of a form, with the hidden ones."""
    rendered = "".join(map(str, form))
    return {found[1]: value[1] if (value := VALUE.search(found[0])) else "" for found in INPUT.finditer(rendered)}


def opened(page):
    """The list, with what tells its rows apart."""
    formset = page.context["cl"].formset
    fields = sent(formset.management_form)
    for form in formset.forms:
        fields |= sent(form)
    return fields
