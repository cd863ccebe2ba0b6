#include "domain-xml.h"

#include <limits.h>
#include <string.h>

#include "metadata.h"
#include <providers/xml.h>

#define MAX_DISKS 1024
#define MAX_CHAIN 200

static void
disk_free (struct disk_xml *disk)
{
  char *const texts[] = {disk->type,   disk->device,   disk->format,
                         disk->source, disk->pool,     disk->volume,
                         disk->target, disk->bus,      disk->serial,
                         disk->mirror, disk->data_file};

  for (size_t i = 0; i < ARRAY_SIZE (texts); i++)
    free (texts[i]);
  str_vec_free_all (&disk->backing);
  free (disk);
}

void
domain_xml_free (struct domain_xml *domain)
{
  if (domain == NULL)
    return;
  for (size_t i = 0; i < domain->disks.len; i++)
    disk_free (domain->disks.ptr[i]);
  disk_xml_vec_release (&domain->disks);
  free (domain->name);
  free (domain->uuid);
  free (domain->title);
  free (domain->type);
  free (domain->os_id);
  free (domain->manager);
  free (domain->on_poweroff);
  free (domain->on_reboot);
  free (domain->serial_path);
  json_decref (domain->tags);
  json_decref (domain->mark);
  free (domain);
}

void
cleanup_domain_xml (struct domain_xml **domain)
{
  domain_xml_free (*domain);
}

struct disk_xml *
domain_xml_os_disk (const struct domain_xml *domain)
{
  return domain->os_disk < 0 ? NULL : domain->disks.ptr[domain->os_disk];
}

static unsigned
boot_order_of (const xmlNode *device)
{
  CLEANUP_FREE char *order = xml_attr (xml_child (device, "boot"), "order");
  unsigned long n = order ? strtoul (order, NULL, 10) : 0;

  return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

/* Where a <source> of any type points to, as far as one text can say it. */
static char *
source_text (const xmlNode *source)
{
  static const char *const paths[] = {"file", "dev", "dir", "path"};
  CLEANUP_FREE char *protocol = xml_attr (source, "protocol");

  if (protocol) {
    CLEANUP_FREE char *name = xml_attr_or (source, "name", "");

    return xasprintf ("%s:%s", protocol, name);
  }
  for (size_t i = 0; i < ARRAY_SIZE (paths); i++) {
    char *value = xml_attr (source, paths[i]);

    if (value)
      return value;
  }
  return NULL;
}

static void
read_chain (struct disk_xml *disk, const xmlNode *node)
{
  const xmlNode *store = xml_child (node, "backingStore");

  for (int i = 0; store && i < MAX_CHAIN; i++) {
    char *source = source_text (xml_child (store, "source"));

    if (source)
      str_vec_push (&disk->backing, source);
    store = xml_child (store, "backingStore");
  }
}

static struct disk_xml *
read_disk (const xmlNode *node)
{
  struct disk_xml *disk = xcalloc (1, sizeof *disk);
  const xmlNode *source = xml_child (node, "source");
  const xmlNode *target = xml_child (node, "target");
  const xmlNode *mirror = xml_child (node, "mirror");

  disk->type = xml_attr_or (node, "type", "file");
  disk->device = xml_attr_or (node, "device", "disk");
  disk->format = xml_attr_or (xml_child (node, "driver"), "type", "raw");
  disk->source = source_text (source);
  disk->pool = xml_attr (source, "pool");
  disk->volume = xml_attr (source, "volume");
  disk->data_file =
      source_text (xml_child (xml_child (source, "dataStore"), "source"));
  disk->target = xml_attr_or (target, "dev", "");
  disk->bus = xml_attr_or (target, "bus", "");
  disk->serial = xml_text (xml_child (node, "serial"));
  if (mirror)
    disk->mirror = xml_attr_or (mirror, "job", "copy");
  disk->boot_order = boot_order_of (node);
  disk->readonly = xml_child (node, "readonly") != NULL;
  disk->shareable = xml_child (node, "shareable") != NULL;
  disk->transient = xml_child (node, "transient") != NULL;
  disk->encrypted =
      xml_child (node, "encryption") || xml_child (source, "encryption");
  disk->sliced = xml_child (source, "slices") != NULL;
  read_chain (disk, node);
  return disk;
}

static bool
is_hard_disk (const struct disk_xml *disk)
{
  return strcmp (disk->device, "disk") == 0 ||
         strcmp (disk->device, "lun") == 0;
}

/* <boot order=> of devices: the lowest one of a hard disk, if there is any;
 * what comes before it is noted.  A drive without medium is passed over by
 * the firmware. */
static void
pick_by_order (struct domain_xml *domain, const xmlNode *devices)
{
  unsigned best = UINT_MAX;

  for (size_t i = 0; i < domain->disks.len; i++) {
    const struct disk_xml *disk = domain->disks.ptr[i];

    if (is_hard_disk (disk) && disk->boot_order && disk->boot_order < best) {
      best = disk->boot_order;
      domain->os_disk = (int)i;
      domain->os_disk_chosen = true;
    }
  }
  for (const xmlNode *d = xml_first (devices); d; d = xml_next (d)) {
    unsigned order = boot_order_of (d);
    const xmlNode *source = xml_child (d, "source");

    if (order == 0 || order >= best)
      continue;
    if (xml_is (d, "hostdev"))
      domain->boots_hostdev = true;
    else if (!xml_is (d, "disk") || (source && source->properties))
      domain->boots_other = true;
  }
}

/* <os><boot dev=>: for "hd" libvirt lets QEMU boot the first hard disk in the
 * order of the XML, which libvirt keeps sorted by bus and target. */
static void
pick_first (struct domain_xml *domain, const xmlNode *os)
{
  const xmlNode *boot = xml_child (os, "boot");

  for (size_t i = 0; i < domain->disks.len; i++)
    if (is_hard_disk (domain->disks.ptr[i])) {
      domain->os_disk = (int)i;
      break;
    }
  if (boot && !xml_attr_is (boot, "dev", "hd"))
    domain->boots_other = true;
}

static void
read_disks (struct domain_xml *domain, const xmlNode *devices)
{
  const xmlNode *d = xml_child (devices, "disk");

  for (; d && domain->disks.len < MAX_DISKS; d = xml_again (d))
    disk_xml_vec_push (&domain->disks, read_disk (d));
}

/* The first serial port; where there is none, the first console. */
static void
read_serial (struct domain_xml *domain, const xmlNode *devices)
{
  const xmlNode *port = xml_child (devices, "serial");
  const xmlNode *log;

  if (port == NULL)
    port = xml_child (devices, "console");
  if (port == NULL)
    return;
  domain->serial_is_pty = xml_attr_is (port, "type", "pty");
  log = xml_child (port, "log");
  if (log)
    domain->serial_path = xml_attr (log, "file");
  else if (xml_attr_is (port, "type", "file"))
    domain->serial_path = xml_attr (xml_child (port, "source"), "path");
  if (domain->serial_path)
    domain->serial = SERIAL_FILE;
  else
    domain->serial = domain->serial_is_pty ? SERIAL_PTY : SERIAL_OTHER;
}

static void
read_agent (struct domain_xml *domain, const xmlNode *devices)
{
  const xmlNode *c = xml_child (devices, "channel");

  for (; c; c = xml_again (c)) {
    const xmlNode *target = xml_child (c, "target");

    if (xml_attr_is (target, "name", "org.qemu.guest_agent.0")) {
      domain->agent_channel = true;
      domain->agent_connected = xml_attr_is (target, "state", "connected");
    }
  }
}

static void
read_metadata (struct domain_xml *domain, const xmlNode *metadata)
{
  const char *manager = manager_from_metadata (metadata);

  domain->has_metadata = metadata != NULL;
  domain->mark = mark_from_metadata (metadata);
  domain->tags = tags_from_metadata (metadata);
  domain->manager = manager ? xstrdup (manager) : NULL;
  for (const xmlNode *c = xml_first (metadata); c; c = xml_next (c))
    if (xml_is (c, "libosinfo") && domain->os_id == NULL)
      domain->os_id = xml_attr (xml_child (c, "os"), "id");
}

struct domain_xml *
domain_xml_parse (const char *text, const char *what, struct err **err)
{
  CLEANUP_XML xmlDocPtr doc = xml_parse (text, what, err);
  const xmlNode *root, *devices, *os;
  struct domain_xml *domain;

  if (doc == NULL)
    return NULL;
  root = xmlDocGetRootElement (doc);
  if (!xml_is (root, "domain")) {
    err_set (err, ERR_INPUT, "%s: no <domain> element", what);
    return NULL;
  }
  devices = xml_child (root, "devices");
  os = xml_child (root, "os");
  domain = xcalloc (1, sizeof *domain);
  domain->name = xml_text (xml_child (root, "name"));
  domain->uuid = xml_text (xml_child (root, "uuid"));
  domain->title = xml_text (xml_child (root, "title"));
  domain->on_poweroff = xml_text (xml_child (root, "on_poweroff"));
  domain->on_reboot = xml_text (xml_child (root, "on_reboot"));
  domain->type = xml_attr_or (root, "type", "");
  domain->direct_kernel = xml_child (os, "kernel") != NULL;
  domain->os_disk = -1;
  read_disks (domain, devices);
  pick_by_order (domain, devices);
  if (domain->os_disk < 0)
    pick_first (domain, os);
  read_serial (domain, devices);
  read_agent (domain, devices);
  read_metadata (domain, xml_child (root, "metadata"));
  return domain;
}

void
snapshot_xml_overlays (const char *text, struct str_vec *overlays)
{
  CLEANUP_XML xmlDocPtr doc = xml_parse (text, "snapshot", NULL);
  const xmlNode *root = doc ? xmlDocGetRootElement (doc) : NULL;
  const xmlNode *disk = xml_child (xml_child (root, "disks"), "disk");

  for (; disk; disk = xml_again (disk))
    if (xml_attr_is (disk, "snapshot", "external")) {
      char *source = source_text (xml_child (disk, "source"));

      if (source)
        str_vec_push (overlays, source);
    }
}

const char *
os_family (const char *os_id)
{
  /* libosinfo's ids are URLs of the vendor: http://microsoft.com/win/2k22. */
  static const char *const linux_vendors[] =
      {"almalinux.org",  "alpinelinux.org", "archlinux.org",
       "centos.org",     "debian.org",      "fedoraproject.org",
       "flatcar.org",    "gentoo.org",      "libosinfo.org/linux",
       "opensuse.org",   "oracle.com",      "redhat.com",
       "rockylinux.org", "suse.com",        "ubuntu.com"};

  if (os_id == NULL)
    return "unknown";
  if (strstr (os_id, "//microsoft.com/"))
    return "windows";
  for (size_t i = 0; i < ARRAY_SIZE (linux_vendors); i++)
    if (strstr (os_id, linux_vendors[i]))
      return "linux";
  return "unknown";
}
