#include "record.h"

#include <string.h>

#include <providers/vm.h>

#include "errors.h"
#include "image.h"
#include "metadata.h"
#include "refusals.h"

const char *
power_of (int state)
{
  static const char *const words[] = {
      [VIR_DOMAIN_NOSTATE] = "other",
      [VIR_DOMAIN_RUNNING] = "running",
      [VIR_DOMAIN_BLOCKED] = "running",
      [VIR_DOMAIN_PAUSED] = "paused",
      [VIR_DOMAIN_SHUTDOWN] = "stopping",
      [VIR_DOMAIN_SHUTOFF] = "stopped",
      [VIR_DOMAIN_PMSUSPENDED] = "paused",
      /* on_crash=preserve: QEMU is still there and holds the disk. */
      [VIR_DOMAIN_CRASHED] = "running",
  };

  if (state < 0 || (size_t)state >= ARRAY_SIZE (words))
    return "other";
  return words[state];
}

static char *
xml_of (virDomainPtr dom, unsigned flags, struct err **err)
{
  char *xml = virDomainGetXMLDesc (dom, flags);

  if (xml == NULL)
    virt_err (err, "%s: dumpxml", virDomainGetName (dom));
  return xml;
}

/* What is running now; a domain that stops under our eyes has none. */
static void
load_live (struct seen *seen)
{
  CLEANUP_FREE char *xml = NULL;

  if (virDomainIsActive (seen->dom) != 1)
    return;
  xml = xml_of (seen->dom, 0, NULL);
  if (xml)
    seen->live = domain_xml_parse (xml, virDomainGetName (seen->dom), NULL);
  seen->active = true;
}

struct seen *
seen_load (virDomainPtr dom_taken, struct err **err)
{
  struct seen *seen = xcalloc (1, sizeof *seen);
  CLEANUP_FREE char *xml = NULL;
  const char *name = virDomainGetName (dom_taken);

  seen->dom = dom_taken;
  if (virDomainGetState (seen->dom, &seen->state, &seen->reason, 0) == -1) {
    virt_err (err, "%s: state", name);
    goto failed;
  }
  xml = xml_of (seen->dom, VIR_DOMAIN_XML_INACTIVE, err);
  if (xml == NULL)
    goto failed;
  seen->config = domain_xml_parse (xml, name, err);
  if (seen->config == NULL)
    goto failed;
  seen->definition = definition_without_mark (xml);
  load_live (seen);
  return seen;

failed:
  seen_free (seen);
  return NULL;
}

void
seen_free (struct seen *seen)
{
  if (seen == NULL)
    return;
  if (seen->dom)
    virDomainFree (seen->dom);
  domain_xml_free (seen->config);
  domain_xml_free (seen->live);
  free (seen->definition);
  free (seen);
}

void
seen_free_all (struct seen_vec *all)
{
  for (size_t i = 0; i < all->len; i++)
    seen_free (all->ptr[i]);
  seen_vec_release (all);
}

/* A volume's path through its pool, which has to be running for that. */
static char *
volume_path (virConnectPtr conn, const struct disk_xml *disk, char **why)
{
  virStoragePoolPtr pool = NULL;
  virStorageVolPtr volume = NULL;
  virStorageVolInfo info;
  char *path = NULL;

  if (disk->pool && disk->volume)
    pool = virStoragePoolLookupByName (conn, disk->pool);
  if (pool)
    volume = virStorageVolLookupByName (pool, disk->volume);
  if (volume && virStorageVolGetInfo (volume, &info) == 0) {
    if (info.type == VIR_STORAGE_VOL_FILE || info.type == VIR_STORAGE_VOL_BLOCK)
      path = virStorageVolGetPath (volume);
    else
      *why = xasprintf ("volume %s of pool %s is no file and no block device",
                        disk->volume, disk->pool);
  }
  if (path == NULL && *why == NULL) {
    CLEANUP_ERR struct err *err = NULL;

    virt_err (&err, "volume %s of pool %s",
              disk->volume ? disk->volume : "without a name",
              disk->pool ? disk->pool : "without a name");
    *why = xasprintf ("%s; is the pool active? (virsh pool-start)", err->msg);
  }
  if (volume)
    virStorageVolFree (volume);
  if (pool)
    virStoragePoolFree (pool);
  return path;
}

static char *
disk_path (virConnectPtr conn, const struct disk_xml *disk, char **why)
{
  if (strcmp (disk->type, "volume") == 0)
    return volume_path (conn, disk, why);
  if (strcmp (disk->type, "file") != 0 && strcmp (disk->type, "block") != 0)
    return NULL;
  if (disk->source == NULL) {
    *why = xstrdup ("it has no source");
    return NULL;
  }
  return xstrdup (disk->source);
}

/* The virtual size: from the image if it can be seen here, else from libvirt,
 * which for a running domain asks QEMU's monitor. */
static int64_t
disk_size (const struct seen *seen, const char *path, const struct image *image)
{
  virDomainBlockInfo info;

  if (image && image->size_bytes >= 0)
    return image->size_bytes;
  if (path && virDomainGetBlockInfo (seen->dom, path, &info, 0) == 0)
    return (int64_t)info.capacity;
  return -1;
}

static void
put_os_disk (json_t *vm, const struct seen *seen, const char *path,
             const struct image *image, bool brief)
{
  const struct disk_xml *disk = domain_xml_os_disk (seen->config);
  json_t *out, *attributes;

  if (disk == NULL)
    return;
  out = json_object ();
  json_put_str (out, "id",
                path ? path : (disk->source ? disk->source : disk->target));
  json_put_str (out, "path", path);
  json_put_str (out, "format", disk->format);
  json_put_str (out, "serial", disk->serial);
  if (!brief)
    json_put_int (out, "size_bytes", disk_size (seen, path, image));
  attributes = json_object ();
  json_put_str (attributes, "target", disk->target);
  json_put_str (attributes, "bus", disk->bus);
  json_put_str (attributes, "type", disk->type);
  json_put (out, "attributes", attributes);
  json_put (vm, "os_disk", out);
}

/* Files that external snapshots put on top; all snapshots are counted. */
static int
load_snapshots (virDomainPtr dom, struct str_vec *overlays)
{
  virDomainSnapshotPtr *list = NULL;
  int n = virDomainListAllSnapshots (dom, &list, 0);

  for (int i = 0; i < n; i++) {
    char *xml = virDomainSnapshotGetXMLDesc (list[i], 0);

    if (xml)
      snapshot_xml_overlays (xml, overlays);
    free (xml);
    virDomainSnapshotFree (list[i]);
  }
  free (list);
  return n > 0 ? n : 0;
}

static int
count_checkpoints (virDomainPtr dom)
{
  virDomainCheckpointPtr *list = NULL;
  int n = virDomainListAllCheckpoints (dom, &list, 0);

  for (int i = 0; i < n; i++)
    virDomainCheckpointFree (list[i]);
  free (list);
  return n > 0 ? n : 0;
}

static void
judge (const struct task *task, const struct seen *seen,
       const struct usage *usage, const char *path, const char *path_why,
       const struct image *image, json_t *vm)
{
  struct str_vec overlays = VEC_EMPTY;
  int autostart = 0;
  struct preflight p = {
      .uri = session_uri (task->session),
      .remote = session_is_remote (task->session),
      .state = seen->state,
      .reason = seen->reason,
      .persistent = virDomainIsPersistent (seen->dom) == 1,
      .managed_save = virDomainHasManagedSaveImage (seen->dom, 0) == 1,
      .checkpoints = count_checkpoints (seen->dom),
      .config = seen->config,
      .live = seen->live,
      .disk = domain_xml_os_disk (seen->config),
      .path = path,
      .path_why = path_why,
      .image = image,
      .usage = usage,
      .overlays = &overlays,
  };

  if (virDomainGetAutostart (seen->dom, &autostart) == 0)
    p.autostart = autostart;
  json_put_bool (json_object_get (vm, "attributes"), "autostart", p.autostart);
  p.snapshots = load_snapshots (seen->dom, &overlays);
  preflight_judge (&p, vm);
  str_vec_free_all (&overlays);
}

/* Where a TCP probe can reach the guest, from the leases and neighbours that
 * the host knows: asking the guest's agent could hang. */
static void
put_addresses (json_t *vm, virDomainPtr dom)
{
  static const unsigned sources[] = {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
                                     VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP};
  json_t *list = json_array ();

  for (size_t s = 0; s < ARRAY_SIZE (sources) && !json_array_size (list); s++) {
    virDomainInterfacePtr *cards = NULL;
    int n = virDomainInterfaceAddresses (dom, &cards, sources[s], 0);

    for (int i = 0; i < n; i++) {
      for (unsigned j = 0; j < cards[i]->naddrs; j++)
        json_array_append_new (list, json_string (cards[i]->addrs[j].addr));
      virDomainInterfaceFree (cards[i]);
    }
    free (cards);
  }
  if (json_array_size (list))
    json_put (vm, "addresses", list);
  else
    json_decref (list);
}

static json_t *
record_frame (const struct task *task, const struct seen *seen)
{
  const struct domain_xml *config = seen->config;
  json_t *vm = json_object (), *attributes = json_object ();

  json_put_str (vm, "provider", "libvirt");
  json_put_str (vm, "account", session_uri (task->session));
  json_put_str (vm, "region", "");
  json_put_str (vm, "zone", "");
  json_put_str (vm, "id", config->uuid ? config->uuid : "");
  json_put_str (vm, "name", config->name ? config->name : "");
  json_put_str (vm, "power", power_of (seen->state));
  json_put_str (vm, "health", "unknown");
  json_put_str (vm, "os", os_family (config->os_id));
  json_put_str (attributes, "definition", seen->definition);
  json_put (vm, "attributes", attributes);
  json_put_bool (vm, "guest_agent", config->agent_channel);
  if (seen->active)
    put_addresses (vm, seen->dom);
  if (config->mark)
    json_put (vm, "mark", json_incref (config->mark));
  json_put (vm, "tags", json_deep_copy (config->tags));
  if (config->title)
    json_put_str (json_object_get (vm, "tags"), "title", config->title);
  return vm;
}

json_t *
record_make (const struct task *task, const struct seen *seen,
             const struct usage *usage, struct err **err)
{
  const struct disk_xml *disk = domain_xml_os_disk (seen->config);
  CLEANUP_FREE char *path = NULL, *why = NULL;
  CLEANUP_IMAGE struct image image = {.size_bytes = -1};
  bool local = !session_is_remote (task->session), looked = false;
  json_t *vm = record_frame (task, seen);

  if (disk)
    path = disk_path (task->conn, disk, &why);
  if (path && local && usage) {
    image_look (path, disk->format, &image);
    looked = true;
  }
  put_os_disk (vm, seen, path, looked ? &image : NULL, usage == NULL);
  if (usage)
    judge (task, seen, usage, path, why, looked ? &image : NULL, vm);
  if (virConnectIsAlive (task->conn) == 0) { /* half a record is none */
    json_decref (vm);
    err_set (err, ERR_TRANSIENT, "%s: the connection broke",
             session_uri (task->session));
    return NULL;
  }
  return vm;
}
