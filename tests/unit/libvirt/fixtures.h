/* Domains from tests/data/libvirt, for the tests of the libvirt provider. */

#ifndef BOOTMEND_TEST_LIBVIRT_FIXTURES_H
#define BOOTMEND_TEST_LIBVIRT_FIXTURES_H

#include <stdio.h>

#include <base/files.h>
#include <provider-libvirt/domain-xml.h>

static inline char *
fixture_text (const char *name)
{
  const char *data = getenv ("BOOTMEND_TEST_DATA");
  CLEANUP_FREE char *path =
      xasprintf ("%s/libvirt/%s", data ? data : "tests/data", name);
  CLEANUP_ERR struct err *err = NULL;
  char *text = NULL;
  size_t len;

  if (file_read (path, 1 << 20, &text, &len, &err) == -1) {
    fprintf (stderr, "%s\n", err->msg);
    abort (); /* nothing else would mean anything */
  }
  return text;
}

static inline struct domain_xml *
fixture (const char *name)
{
  CLEANUP_FREE char *text = fixture_text (name);
  CLEANUP_ERR struct err *err = NULL;
  struct domain_xml *domain = domain_xml_parse (text, name, &err);

  if (domain == NULL) {
    fprintf (stderr, "%s\n", err->msg);
    abort ();
  }
  return domain;
}

#endif
