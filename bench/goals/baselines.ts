/**
 * Figures recorded from the reference on a machine of this kind (2 cores, 24 GiB, Linux; ant-node 0.23.1, ant-core
 * 0.14.0; 2026-11-21). They cannot be taken again in our run, so rows against them name them. Section numbers are those
 * of the record, `peer-baselines.md`.
 */
export const REFERENCE = Object.freeze({
  /** 3.1: first node started to first accepted paid upload, ten stock processes, seconds. */
  startSeconds: 3.2,
  /** 3.1: median RSS of a node after two idle minutes, MiB. */
  idleRssMiB: 83.4,
  /** 3.1: median CPU of an idle node over 60 s, per cent of one core. */
  idleCpuPercent: 0.22,
  /** 3.1: peak RSS of a node during a 100 MB upload, median and largest, MiB. */
  uploadPeakRssMiB: [261, 296],
  /** 3.1: RSS 20 s after the load, MiB. */
  afterLoadRssMiB: 142,
  /** 3.2: 100 MB onto ten stock processes and back, MB/s (payment and replication; download after settling). */
  stock100MB: { up: 3.4, down: 39 },
  /** 3.2: RSS of the client at 600 MB, MiB, up and down. */
  clientRssMiB: { up: 314, down: 799 },
  /** 3.6: chunk bytes moved for each byte stored, ten stock processes. */
  bytesMoved: 25.7,
  /** 3.7: three of ten stock processes killed: the first missing copy is back, seconds. */
  firstRepairSeconds: 926,
  /** 3.4: single 4 MiB chunks on ten stock processes, ms. */
  stock4MiB: { putP50: 1673, getP50: 116 },
  /** 4: its devnet, all nodes in one process and no replication: MB/s and ms. */
  devnet100MB: { up: 8.0, down: 31 },
  devnet4MiB: { putP50: 438, getP50: 124 },
  /** rust-baselines.md: self_encryption 0.36.2 on 64 MiB, MB/s. Rows measure it anew; this is for their notes. */
  selfEncryption: { encryptRandom: 118, encryptText: 42, decrypt: [400, 600] },
  /** Issue 4: ML-DSA-65 of the reference on this machine, per second. */
  mlDsa: { sign: 1700, verify: 7600 },
})
