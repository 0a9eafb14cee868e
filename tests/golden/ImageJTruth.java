import ij.IJ;
import ij.ImagePlus;
import ij.gui.EllipseRoi;
import ij.gui.OvalRoi;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.RotatedRectRoi;
import ij.gui.ShapeRoi;
import ij.measure.Measurements;
import ij.process.ByteProcessor;
import ij.process.ColorProcessor;
import ij.process.ImageConverter;
import ij.process.ImageProcessor;
import ij.process.ImageStatistics;
import java.awt.Rectangle;
import java.awt.geom.PathIterator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;

/**
 * Measures many ROIs with ImageJ's own classes, on three images, in one process.
 *
 * <p>Usage: java -cp ij.jar ImageJTruth.java ROIS RECORDS KIND...
 *
 * <p>ROIS is written by random_rois.py: for each ROI the place of its kind among KIND..., the
 * number of its parts, and for each part the count of its numbers and these (int and float,
 * little-endian). RECORDS gets 76 bytes for each ROI and image: n, CRC-32 of the mask, CRC-32 of
 * the histogram (int), then mean, SD, min, max, mode, median, skewness, kurtosis (double). n is
 * -1 where ImageJ would measure the whole image, because the ROI has no size. Printed are the
 * version of ImageJ and the CRC-32 of each image.
 */
public final class ImageJTruth {

  private static final int MEASUREMENTS =
      Measurements.MEAN
          | Measurements.STD_DEV
          | Measurements.MIN_MAX
          | Measurements.MODE
          | Measurements.MEDIAN
          | Measurements.SKEWNESS
          | Measurements.KURTOSIS;

  private static final int WIDTH = 200;
  private static final int HEIGHT = 150;
  private static final int RECORD_BYTES = 76;

  private ImageJTruth() {}

  public static void main(String[] arguments) throws Exception {
    ByteBuffer rois =
        ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[0]))).order(ByteOrder.LITTLE_ENDIAN);
    String[] kinds = Arrays.copyOfRange(arguments, 2, arguments.length);
    ImagePlus[] images = {
      grayImage(), convertedImage(1.0 / 3, 1.0 / 3, 1.0 / 3), convertedImage(0.299, 0.587, 0.114),
    };
    System.out.println(IJ.getVersion());
    for (ImagePlus image : images) {
      System.out.println(crc32((byte[]) image.getProcessor().getPixels()));
    }
    // A ROI takes 12 bytes or more, so this is room enough.
    ByteBuffer records =
        ByteBuffer.allocate(rois.capacity() / 12 * images.length * RECORD_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    while (rois.hasRemaining()) {
      String kind = kinds[rois.getInt()];
      float[][] parts = new float[rois.getInt()][];
      for (int i = 0; i < parts.length; i++) {
        parts[i] = new float[rois.getInt()];
        rois.asFloatBuffer().get(parts[i]);
        rois.position(rois.position() + 4 * parts[i].length);
      }
      measure(images, makeRoi(kind, parts), records);
    }
    Files.write(Path.of(arguments[1]), Arrays.copyOf(records.array(), records.position()));
    System.exit(0); // ImageJ may leave AWT threads running
  }

  private static ImagePlus grayImage() {
    ByteProcessor pixels = new ByteProcessor(WIDTH, HEIGHT);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        pixels.set(x, y, (7 * x + 13 * y + (x * y) % 17) % 256);
      }
    }
    return new ImagePlus("gray", pixels);
  }

  /** Returns a colour image after ImageJ's command "8-bit" with the given weights. */
  private static ImagePlus convertedImage(double red, double green, double blue) {
    ColorProcessor pixels = new ColorProcessor(WIDTH, HEIGHT);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        int r = (5 * x + 3 * y) % 256;
        int g = (11 * x + 7 * y) % 256;
        int b = (2 * x + 17 * y) % 256;
        pixels.set(x, y, r << 16 | g << 8 | b);
      }
    }
    ImagePlus image = new ImagePlus("colour", pixels);
    ColorProcessor.setWeightingFactors(red, green, blue);
    new ImageConverter(image).convertToGray8();
    return image;
  }

  private static Roi makeRoi(String kind, float[][] parts) {
    float[] v = parts[0];
    switch (kind) {
      case "rect_integer":
        return new Roi((int) v[0], (int) v[1], (int) v[2], (int) v[3]);
      case "rect_fractional":
        return new Roi((double) v[0], (double) v[1], (double) v[2], (double) v[3]);
      case "oval_integer":
        return new OvalRoi((int) v[0], (int) v[1], (int) v[2], (int) v[3]);
      case "oval_fractional":
        return new OvalRoi((double) v[0], (double) v[1], (double) v[2], (double) v[3]);
      case "rotated_rect":
        return new RotatedRectRoi(v[0], v[1], v[2], v[3], v[4]);
      case "ellipse":
        return new EllipseRoi(v[0], v[1], v[2], v[3], v[4]);
      case "polygon_integer":
        return integerPolygon(v, Roi.POLYGON);
      case "polygon_half":
      case "polygon_float":
        return floatPolygon(v, Roi.POLYGON);
      case "freehand_integer":
        return integerPolygon(v, Roi.FREEROI);
      case "freehand_float":
        return floatPolygon(v, Roi.FREEROI);
      case "traced":
        return integerPolygon(v, Roi.TRACED_ROI);
      case "composite":
        return composite(parts);
      default:
        throw new IllegalArgumentException("unknown kind: " + kind);
    }
  }

  private static PolygonRoi integerPolygon(float[] v, int type) {
    int n = v.length / 2;
    int[] x = new int[n];
    int[] y = new int[n];
    for (int i = 0; i < n; i++) {
      x[i] = (int) v[2 * i];
      y[i] = (int) v[2 * i + 1];
    }
    return new PolygonRoi(x, y, n, type);
  }

  private static PolygonRoi floatPolygon(float[] v, int type) {
    int n = v.length / 2;
    float[] x = new float[n];
    float[] y = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = v[2 * i];
      y[i] = v[2 * i + 1];
    }
    return new PolygonRoi(x, y, n, type);
  }

  /** Makes a composite the way RoiDecoder does: from the segments of its outlines. */
  private static ShapeRoi composite(float[][] parts) {
    int length = 0;
    for (float[] v : parts) {
      length += 3 * v.length / 2 + 1;
    }
    float[] path = new float[length];
    int at = 0;
    for (float[] v : parts) {
      for (int i = 0; i < v.length; i += 2) {
        path[at++] = i == 0 ? PathIterator.SEG_MOVETO : PathIterator.SEG_LINETO;
        path[at++] = v[i];
        path[at++] = v[i + 1];
      }
      path[at++] = PathIterator.SEG_CLOSE;
    }
    return new ShapeRoi(path);
  }

  private static void measure(ImagePlus[] images, Roi roi, ByteBuffer records) {
    Rectangle bounds = roi.getBounds();
    byte[] mask = null;
    for (ImagePlus image : images) {
      image.setRoi(roi);
      if (image.getRoi() == null || bounds.width == 0 || bounds.height == 0) {
        records.putInt(-1);
        records.put(new byte[RECORD_BYTES - 4]);
        continue;
      }
      ImageStatistics s = image.getStatistics(MEASUREMENTS);
      mask = mask == null ? fullMask(roi) : mask;
      checkMask(mask, (byte[]) image.getProcessor().getPixels(), s);
      ByteBuffer histogram = ByteBuffer.allocate(4 * 256).order(ByteOrder.LITTLE_ENDIAN);
      histogram.asIntBuffer().put(s.histogram);
      records.putInt((int) s.longPixelCount);
      records.putInt((int) crc32(mask));
      records.putInt((int) crc32(histogram.array()));
      for (double value :
          new double[] {
            s.mean, s.stdDev, s.min, s.max, s.dmode, s.median, s.skewness, s.kurtosis
          }) {
        records.putDouble(value);
      }
    }
  }

  /** Returns 1 for each image pixel that ImageJ's statistics use, in row-major order. */
  private static byte[] fullMask(Roi roi) {
    Rectangle bounds = roi.getBounds();
    Rectangle inside = bounds.intersection(new Rectangle(0, 0, WIDTH, HEIGHT));
    ImageProcessor mask = roi.getMask();
    byte[] full = new byte[WIDTH * HEIGHT];
    for (int y = inside.y; y < inside.y + inside.height; y++) {
      for (int x = inside.x; x < inside.x + inside.width; x++) {
        if (mask == null || mask.get(x - bounds.x, y - bounds.y) != 0) {
          full[y * WIDTH + x] = 1;
        }
      }
    }
    return full;
  }

  private static void checkMask(byte[] mask, byte[] pixels, ImageStatistics s) {
    int[] histogram = new int[256];
    for (int i = 0; i < mask.length; i++) {
      if (mask[i] != 0) {
        histogram[pixels[i] & 255]++;
      }
    }
    if (!Arrays.equals(histogram, s.histogram)) {
      throw new IllegalStateException("the mask is not what ImageJ measured");
    }
  }

  private static long crc32(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    return crc.getValue();
  }
}
