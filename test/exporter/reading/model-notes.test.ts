import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chosenNormalization, notedClasses, withNotes } from '../../../exporter/reading/model-notes.ts';
import { NORMALIZATIONS } from '../../../inference/normalization.ts';
import { readMetadata } from '../../../onnx/file/metadata.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { colourClassifier } from '../../support/tiny-classifier.ts';

const { caffe, cifar10, unit } = NORMALIZATIONS;
const noted = withNotes(new Map([['author', 'someone']]), { ...caffe, channels: 'BGR' }, ['a', 'b']);

describe('what a model notes about its images', () => {
  const folder = temporaryFolder();

  it('comes back from its file, beside what others have noted', async () => {
    const path = join(folder(), 'noted.onnx');
    await writeModel({ ...colourClassifier(), metadata: noted }, path);
    const read = await readMetadata(path);
    expect(read).toEqual(noted);
    expect(read.get('author')).toBe('someone');
    const said: string[] = [];
    expect(chosenNormalization(undefined, read, (text) => said.push(text))).toEqual(caffe);
    expect(chosenNormalization('caffe', read, (text) => said.push(text))).toEqual(caffe);
    expect(notedClasses(read, 2, (text) => said.push(text))).toEqual(['a', 'b']);
    expect(said).toEqual([]);
  });

  it('gives way to what is asked for, which is said', () => {
    const said: string[] = [];
    expect(chosenNormalization('cifar10', noted, (text) => said.push(text))).toEqual(cifar10);
    expect(said).toEqual([expect.stringMatching(/trained with --normalize bgr:.*gets cifar10/)]);
    expect(chosenNormalization('unit', new Map(), (text) => said.push(text))).toEqual(unit);
    expect(said).toHaveLength(1);
  });

  it('is left out of account where it cannot be read or fits no longer, which is said', async () => {
    const said: string[] = [];
    const broken = new Map([
      ['wayside.normalize', 'somehow'],
      ['wayside.classes', '{"a": 1}'],
    ]);
    expect(chosenNormalization(undefined, broken, (text) => said.push(text))).toBeUndefined();
    expect(notedClasses(broken, 2, (text) => said.push(text))).toBeUndefined();
    expect(notedClasses(noted, 3, (text) => said.push(text))).toBeUndefined();
    expect(said).toEqual([
      expect.stringContaining("'somehow'"),
      expect.stringContaining('no list of names'),
      expect.stringContaining('2 names for 3 classes'),
    ]);
    expect(withNotes(noted, { ...cifar10, channels: 'RGB' }, undefined).has('wayside.classes')).toBe(false);
    const path = join(folder(), 'text.onnx');
    await writeFile(path, 'not a model at all');
    expect(await readMetadata(path)).toEqual(new Map());
    await expect(readMetadata(`${path}.none`)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
