/* Every refusal and warning is reached, alone, and is documented. */

#include "unit.h"

#include <string.h>

#include <libvirt/libvirt.h>

#include <provider-libvirt/refusals.h>

#include "fixtures.h"

static const struct str_vec no_overlays = VEC_EMPTY;
static struct image good = {.state = IMAGE_OK, .size_bytes = 1};

/* A domain that is off and has nothing wrong. */
static struct preflight
plain (const struct domain_xml *domain)
{
  return (struct preflight){
      .uri = "qemu:///system",
      .state = VIR_DOMAIN_SHUTOFF,
      .persistent = true,
      .config = domain,
      .disk = domain_xml_os_disk (domain),
      .path = "/images/x.img",
      .image = &good,
      .overlays = &no_overlays,
  };
}

static char *
codes (const struct preflight *p, const char *list)
{
  CLEANUP_JSON json_t *vm = json_object ();
  char *text = xstrdup ("");
  json_t *item;
  size_t i;

  preflight_judge (p, vm);
  json_array_foreach (json_object_get (vm, list), i, item)
  {
    char *longer = xasprintf ("%s%s%s", text, *text ? " " : "",
                              json_str (item, "code", ""));

    CU_ASSERT_TRUE (strlen (json_str (item, "text", "")) > 10);
    free (text);
    text = longer;
  }
  return text;
}

static void
expect (const struct preflight *p, const char *refusals, const char *warnings)
{
  CLEANUP_FREE char *refused = codes (p, "refusals");
  CLEANUP_FREE char *warned = codes (p, "warnings");

  CU_ASSERT_STRING_EQUAL (refused, refusals);
  CU_ASSERT_STRING_EQUAL (warned, warnings);
}

static void
test_by_definition (void)
{
  static const struct {
    const char *file, *refusals, *warnings;
  } rows[] = {
      {"uefi-boot-order.xml", "", ""},
      {"several-disks.xml", "", "on-poweroff several-disks boots-other"},
      {"network.xml", "disk-type", ""},
      {"odd-disk.xml",
       "unsupported-format transient-disk readonly-disk shared-disk "
       "encrypted-disk split-disk",
       "managed-elsewhere on-reboot boots-other direct-kernel"},
      {"hostdev.xml", "hostdev-disk", ""},
      {"no-disk.xml", "no-disk", ""},
      {"volume.xml", "", ""},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_DOMAIN_XML struct domain_xml *domain = fixture (rows[i].file);
    struct preflight p = plain (domain);

    expect (&p, rows[i].refusals, rows[i].warnings);
  }
}

static void
test_by_state (void)
{
  CLEANUP_DOMAIN_XML struct domain_xml *domain = fixture ("volume.xml");
  CLEANUP_DOMAIN_XML struct domain_xml *job = fixture ("block-job.xml");
  struct preflight p = plain (domain);

  p.persistent = false;
  expect (&p, "transient-domain", "");
  p = plain (domain);
  p.managed_save = true;
  expect (&p, "managed-save", "");
  p = plain (domain);
  p.state = VIR_DOMAIN_PAUSED;
  p.reason = 1000;
  expect (&p, "paused", "");
  p.reason = VIR_DOMAIN_PAUSED_CRASHED;
  expect (&p, "", "crashed");
  p.state = VIR_DOMAIN_PMSUSPENDED;
  expect (&p, "suspended", "");
  p = plain (domain);
  p.checkpoints = 2;
  p.snapshots = 1;
  p.autostart = true;
  expect (&p, "checkpoint", "autostart snapshots");
  p = plain (domain);
  p.remote = true;
  expect (&p, "remote-host", "");
  p = plain (domain);
  p.path = NULL;
  p.image = NULL;
  p.path_why = "no such pool";
  expect (&p, "disk-volume", "");
  p = plain (job);
  p.state = VIR_DOMAIN_RUNNING;
  p.live = job;
  expect (&p, "block-job", "several-disks");
}

static void
test_by_image (void)
{
  char x[] = "x";
  const struct {
    struct image image;
    const char *refusals;
  } rows[] = {
      {{.state = IMAGE_MISSING, .why = x}, "disk-missing"},
      {{.state = IMAGE_UNREADABLE, .why = x}, "disk-unreadable"},
      {{.state = IMAGE_MALFORMED, .why = x}, "disk-damaged"},
      {{.corrupt = true}, "disk-damaged"},
      {{.encrypted = true}, "encrypted-disk"},
      {{.data_file = true}, "split-disk"},
      {{.write_locked = true}, "disk-in-use"},
  };
  CLEANUP_DOMAIN_XML struct domain_xml *domain = fixture ("volume.xml");

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct preflight p = plain (domain);

    p.image = &rows[i].image;
    expect (&p, rows[i].refusals, "");
    /* while it runs, its own QEMU holds the lock */
    p.live = domain;
    if (rows[i].image.write_locked)
      expect (&p, "", "");
  }
}

static void
test_by_other_domains (void)
{
  CLEANUP_DOMAIN_XML struct domain_xml *domain = fixture ("volume.xml");
  CLEANUP_DOMAIN_XML struct domain_xml *other = fixture ("several-disks.xml");
  struct usage off = {.uses = VEC_EMPTY}, on = {.uses = VEC_EMPTY};
  struct preflight p = plain (domain);

  usage_add (&off, other, false, false);
  usage_seal (&off);
  usage_add (&on, other, true, false);
  usage_add (&on, domain, true, false);
  usage_seal (&on);
  p.usage = &off;
  p.path = "/images/elsewhere.img";
  expect (&p, "", "");
  p.path = "/images/second.img";
  expect (&p, "", "disk-of-another");
  p.path = "/images/root.img";
  expect (&p, "backing-of-another", "");
  p.usage = &on;
  p.path = "/images/second.img";
  expect (&p, "disk-in-use", "");
  /* its own disks are no obstacle, but its own base is */
  p = plain (other);
  p.usage = &on;
  p.path = "/images/first.qcow2";
  expect (&p, "", "on-poweroff several-disks boots-other");
  p.path = "/images/base.qcow2";
  expect (&p, "snapshot-overlay", "on-poweroff several-disks boots-other");
  usage_release (&off);
  usage_release (&on);
}

static void
documented (const char *text, const char *code)
{
  CLEANUP_FREE char *quoted = xasprintf (".It Sy %s\n", code);

  if (strstr (text, quoted) == NULL) {
    fprintf (stderr, "%s is not in docs/man/parts/libvirt.mdoc\n", code);
    CU_FAIL ("undocumented code");
  }
}

static void
test_codes_are_documented (void)
{
  const char *data = getenv ("BOOTMEND_TEST_DATA");
  CLEANUP_FREE char *path = xasprintf ("%s/../../docs/man/parts/libvirt.mdoc",
                                       data ? data : "tests/data");
  CLEANUP_FREE char *text = NULL;
  size_t len;

  CU_ASSERT_EQUAL_FATAL (file_read (path, 1 << 20, &text, &len, NULL), 0);
  for (size_t i = 0; refusal_code (i); i++)
    documented (text, refusal_code (i));
  for (size_t i = 0; warning_code (i); i++)
    documented (text, warning_code (i));
}

static const struct unit_case cases[] = {
    {"by definition", test_by_definition},
    {"by state", test_by_state},
    {"by image", test_by_image},
    {"by other domains", test_by_other_domains},
    {"codes are documented", test_codes_are_documented},
};

UNIT_MAIN ("libvirt-refusals", cases)
