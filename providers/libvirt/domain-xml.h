/* A domain's XML as the few facts that matter here.
 *
 * The text comes from a daemon that is trusted more than a guest but not
 * blindly: nothing outside the text is read (no DTD, no entity, no network),
 * size and depth have limits, and whatever is missing has a default. */

#ifndef BOOTMEND_LIBVIRT_DOMAIN_XML_H
#define BOOTMEND_LIBVIRT_DOMAIN_XML_H

#include <stdbool.h>

#include <base/json.h>
#include <base/vec.h>

struct disk_xml {
  char *type;      /* "file", "block", "network", "volume", ... */
  char *device;    /* "disk", "lun", "cdrom", "floppy" */
  char *format;    /* "raw" if it does not say: libvirt's own default */
  char *source;    /* path; for network "protocol:name"; NULL: no medium */
  char *pool;      /* type volume */
  char *volume;    /* type volume */
  char *target;    /* "vda" */
  char *bus;       /* "virtio" */
  char *serial;    /* what the guest sees; NULL: none */
  char *mirror;    /* "copy", "active-commit", ...; NULL: no block job */
  char *data_file; /* NULL, or where a qcow2 keeps its data */
  struct str_vec backing; /* sources of <backingStore>, nearest first */
  unsigned boot_order;    /* 0: none */
  bool readonly, shareable, transient, encrypted, sliced;
};

DEFINE_VEC (struct disk_xml *, disk_xml_vec);

enum serial_kind {
  SERIAL_NONE,
  SERIAL_FILE, /* path is a file that QEMU or virtlogd writes */
  SERIAL_PTY,  /* only who listens at the moment hears it */
  SERIAL_OTHER /* a socket, a device, ... */
};

struct domain_xml {
  char *name, *uuid, *title;
  char *type;        /* "kvm", "qemu", "test", ... */
  char *os_id;       /* libosinfo's URL of the guest's OS, or NULL */
  char *manager;     /* "OpenStack Nova", ... by its metadata; NULL: none */
  char *on_poweroff; /* "destroy", "restart", "preserve" */
  char *on_reboot;
  struct disk_xml_vec disks;
  int os_disk;         /* index in disks; -1: none */
  bool os_disk_chosen; /* by a boot order, not because it is the first */
  bool boots_other;    /* something else comes before it in the boot order */
  bool boots_hostdev;  /* a passed-through device comes before all disks */
  bool direct_kernel;  /* <os><kernel>: the kernel is not on the disk */
  bool has_metadata;   /* a <metadata> element of any kind */
  enum serial_kind serial;
  char *serial_path;  /* SERIAL_FILE */
  bool serial_is_pty; /* listening is possible, even if there is a file */
  bool agent_channel, agent_connected;
  json_t *tags; /* what <metadata> says, flat */
  json_t *mark; /* ours, or NULL */
};

/* `what` names the domain in errors (ERR_INPUT). */
struct domain_xml *domain_xml_parse (const char *text, const char *what,
                                     struct err **err) ATTR_USE;
void domain_xml_free (struct domain_xml *domain);
void cleanup_domain_xml (struct domain_xml **domain);
#define CLEANUP_DOMAIN_XML CLEANUP (cleanup_domain_xml)

/* The OS disk or NULL. */
struct disk_xml *domain_xml_os_disk (const struct domain_xml *domain);

/* Sources of all disks in a snapshot's XML that were put on top by it
 * (external snapshots); empty if there are none or it does not parse. */
void snapshot_xml_overlays (const char *text, struct str_vec *overlays);

/* "windows", "linux" or "unknown" for a libosinfo URL (NULL: unknown). */
const char *os_family (const char *os_id);

#endif
