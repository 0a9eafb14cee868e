import ij.IJ;
import ij.ImagePlus;
import ij.gui.EllipseRoi;
import ij.gui.Line;
import ij.gui.OvalRoi;
import ij.gui.PointRoi;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.RotatedRectRoi;
import ij.gui.ShapeRoi;
import ij.gui.Wand;
import ij.io.RoiDecoder;
import ij.io.RoiEncoder;
import ij.measure.Measurements;
import ij.process.ImageProcessor;
import ij.process.ImageStatistics;
import java.awt.Rectangle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.zip.CRC32;

/**
 * Measures ROIs with ImageJ's own classes and prints one JSON object a line.
 *
 * <p>Usage: java -cp ij.jar ImageJGolden.java IMAGE SPECIFICATIONS
 *
 * <p>Each line of SPECIFICATIONS is a kind, a tab and space-separated numbers. A kind that
 * starts with "file:" is saved with RoiEncoder and read back with RoiDecoder first; what is
 * measured then is the ROI that came back. The first line printed describes the image.
 */
public final class ImageJGolden {

  private static final int MEASUREMENTS =
      Measurements.MEAN
          | Measurements.STD_DEV
          | Measurements.MIN_MAX
          | Measurements.MODE
          | Measurements.MEDIAN
          | Measurements.SKEWNESS
          | Measurements.KURTOSIS;

  private static final String FILE_PREFIX = "file:";

  private ImageJGolden() {}

  public static void main(String[] arguments) throws Exception {
    ImagePlus image = IJ.openImage(arguments[0]);
    if (image == null || image.getBitDepth() != 8) {
      throw new IllegalArgumentException("not an 8-bit image: " + arguments[0]);
    }
    System.out.printf(
        "{\"imagej\":\"%s\",\"java\":\"%s\",\"image_crc32\":%d}%n",
        IJ.getVersion(),
        System.getProperty("java.version"),
        crc32((byte[]) image.getProcessor().getPixels()));
    StringBuilder out = new StringBuilder();
    for (String line : Files.readAllLines(Path.of(arguments[1]))) {
      String[] parts = line.split("\t");
      double[] numbers =
          Arrays.stream(parts[1].split(" ")).mapToDouble(Double::parseDouble).toArray();
      out.append(describe(image, parts[0], numbers)).append('\n');
    }
    System.out.print(out);
    System.exit(0); // ImageJ may leave AWT threads running
  }

  private static String describe(ImagePlus image, String kind, double[] numbers)
      throws Exception {
    boolean throughFile = kind.startsWith(FILE_PREFIX);
    Roi roi = makeRoi(throughFile ? kind.substring(FILE_PREFIX.length()) : kind, numbers);
    String prefix = "";
    if (throughFile) {
      byte[] bytes = RoiEncoder.saveAsByteArray(roi);
      roi = new RoiDecoder(bytes, null).getRoi();
      prefix =
          String.format(
              "\"class\":\"%s\",\"type\":\"%s\",\"roi\":\"%s\",",
              roi.getClass().getSimpleName(),
              roi.getTypeAsString(),
              Base64.getEncoder().encodeToString(bytes));
    }
    boolean measurable = roi.isArea() && !(roi instanceof ShapeRoi);
    return "{" + prefix + (measurable ? measure(image, roi) : "\"measured\":false") + "}";
  }

  private static Roi makeRoi(String kind, double[] v) {
    switch (kind) {
      case "rect_integer":
        return new Roi((int) v[0], (int) v[1], (int) v[2], (int) v[3]);
      case "rect_fractional":
        return new Roi(v[0], v[1], v[2], v[3]);
      case "oval_integer":
        return new OvalRoi((int) v[0], (int) v[1], (int) v[2], (int) v[3]);
      case "oval_fractional":
        return new OvalRoi(v[0], v[1], v[2], v[3]);
      case "polygon_integer":
        return integerPolygon(v, Roi.POLYGON);
      case "polygon_half":
      case "polygon_float":
        return floatPolygon(v, Roi.POLYGON);
      case "freehand_integer":
        return integerPolygon(v, Roi.FREEROI);
      case "freehand_float":
        return floatPolygon(v, Roi.FREEROI);
      case "ellipse":
        return new EllipseRoi(v[0], v[1], v[2], v[3], v[4]);
      case "rotated_rect":
        return new RotatedRectRoi(v[0], v[1], v[2], v[3], v[4]);
      case "traced":
        return trace(integerPolygon(v, Roi.POLYGON));
      case "composite":
        return new ShapeRoi(new Roi(v[0], v[1], v[2], v[3]))
            .xor(new ShapeRoi(new OvalRoi(v[4], v[5], v[6], v[7])));
      case "line":
        return new Line(v[0], v[1], v[2], v[3]);
      case "point":
        return new PointRoi(v[0], v[1]);
      default:
        throw new IllegalArgumentException("unknown kind: " + kind);
    }
  }

  private static PolygonRoi integerPolygon(double[] v, int type) {
    int n = v.length / 2;
    int[] x = new int[n];
    int[] y = new int[n];
    for (int i = 0; i < n; i++) {
      x[i] = (int) v[2 * i];
      y[i] = (int) v[2 * i + 1];
    }
    return new PolygonRoi(x, y, n, type);
  }

  private static PolygonRoi floatPolygon(double[] v, int type) {
    int n = v.length / 2;
    float[] x = new float[n];
    float[] y = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) v[2 * i];
      y[i] = (float) v[2 * i + 1];
    }
    return new PolygonRoi(x, y, n, type);
  }

  /** Outlines the filled ROI with the wand, starting at its first pixel. */
  private static Roi trace(Roi roi) {
    Rectangle bounds = roi.getBounds();
    ImageProcessor mask = roi.getMask();
    int first = 0;
    while (mask.get(first) == 0) {
      first++;
    }
    Wand wand = new Wand(mask);
    wand.autoOutline(first % mask.getWidth(), first / mask.getWidth(), 255, 255);
    Roi traced = new PolygonRoi(wand.xpoints, wand.ypoints, wand.npoints, Roi.TRACED_ROI);
    Rectangle inner = traced.getBounds();
    traced.setLocation(bounds.x + inner.x, bounds.y + inner.y);
    return traced;
  }

  private static String measure(ImagePlus image, Roi roi) {
    Rectangle bounds = roi.getBounds();
    image.setRoi(roi);
    if (image.getRoi() == null || bounds.width == 0 || bounds.height == 0) {
      return "\"measured\":false"; // ImageJ would measure the whole image instead
    }
    ImageStatistics s = image.getStatistics(MEASUREMENTS);
    byte[] mask = fullMask(roi, image.getWidth(), image.getHeight());
    checkMask(mask, (byte[]) image.getProcessor().getPixels(), s);
    ByteBuffer histogram = ByteBuffer.allocate(4 * 256).order(ByteOrder.LITTLE_ENDIAN);
    histogram.asIntBuffer().put(s.histogram);
    // ImageJ leaves meaningless extrema and mode where there is no pixel.
    boolean empty = s.pixelCount == 0;
    double nan = Double.NaN;
    return "\"n\":"
        + s.pixelCount
        + number("mean", empty ? nan : s.mean)
        + number("sd", empty ? nan : s.stdDev)
        + number("min", empty ? nan : s.min)
        + number("max", empty ? nan : s.max)
        + number("mode", empty ? nan : s.dmode)
        + number("median", empty ? nan : s.median)
        + number("skewness", empty ? nan : s.skewness)
        + number("kurtosis", empty ? nan : s.kurtosis)
        + ",\"histogram_crc32\":"
        + crc32(histogram.array())
        + ",\"mask_crc32\":"
        + crc32(mask);
  }

  /** Returns 1 for each image pixel that ImageJ's statistics use, in row-major order. */
  private static byte[] fullMask(Roi roi, int width, int height) {
    Rectangle bounds = roi.getBounds();
    Rectangle inside = bounds.intersection(new Rectangle(0, 0, width, height));
    ImageProcessor mask = roi.getMask();
    byte[] full = new byte[width * height];
    for (int y = inside.y; y < inside.y + inside.height; y++) {
      for (int x = inside.x; x < inside.x + inside.width; x++) {
        if (mask == null || mask.get(x - bounds.x, y - bounds.y) != 0) {
          full[y * width + x] = 1;
        }
      }
    }
    return full;
  }

  private static void checkMask(byte[] mask, byte[] pixels, ImageStatistics s) {
    int[] histogram = new int[256];
    int n = 0;
    for (int i = 0; i < mask.length; i++) {
      if (mask[i] != 0) {
        histogram[pixels[i] & 255]++;
        n++;
      }
    }
    if (n != s.pixelCount || !Arrays.equals(histogram, s.histogram)) {
      throw new IllegalStateException("the mask is not what ImageJ measured");
    }
  }

  private static String number(String key, double value) {
    return ",\"" + key + "\":" + (Double.isNaN(value) ? "null" : Double.toString(value));
  }

  private static long crc32(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    return crc.getValue();
  }
}
