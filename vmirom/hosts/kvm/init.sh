#!/bin/busybox sh
# The first and only program of the appliance: brings /dev/kvm and the outer machine's files up, runs the
# command that lies in the control folder, and leaves its exit status there. A part that is built into the
# kernel has no module here and needs none; what counts is /dev/kvm.

/bin/busybox mkdir -p /proc /sys /dev /lower /up /host
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys

stop() {
    echo "vmirom appliance: $1"
    sync
    reboot -f
}

load() {
    [ ! -f "/mod/$1.ko" ] || insmod "/mod/$1.ko" $2
}

load irqbypass
load ccp
load kvm
load kvm-amd npt=1
[ -e /dev/kvm ] || stop "the kernel has no KVM here"
chmod 666 /dev/kvm

for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_mmio \
        netfs fscache 9pnet 9pnet_virtio 9p overlay; do
    load $module
done

share=trans=virtio,version=9p2000.L,msize=262144
mount -t 9p -o $share,ro,cache=loose root /lower || stop "the outer files can't be mounted"
mount -t tmpfs tmpfs /up
mkdir /up/u /up/w
mount -t overlay -o lowerdir=/lower,upperdir=/up/u,workdir=/up/w overlay /host || stop "no overlay"
mkdir -p /host/proc /host/sys /host/dev /host/vmirom-control
mount -t proc proc /host/proc
mount -t sysfs sys /host/sys
mount -t devtmpfs dev /host/dev
mkdir -p /host/dev/pts /host/dev/shm
mount -t devpts devpts /host/dev/pts
mount -t tmpfs shm /host/dev/shm
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
    ln -sfn "/proc/self/${link#*:}" "/host/dev/${link%%:*}"
done
mount -t 9p -o $share,cache=none control /host/vmirom-control || stop "the control folder can't be mounted"

ifconfig lo up
stty -F /dev/console raw -echo
chroot /host /bin/sh /vmirom-control/command < /dev/null
echo $? > /host/vmirom-control/rc
sync
reboot -f
